"""The start of the server: folders, voices, weights and model, while requests are taken."""

import threading

from entrypoints.container import Container
from entrypoints.worker.startup import load, prepare


class Start:
    """Prepares and loads in a thread of its own.

    Args:
        container: The parts of the server.
    """

    def __init__(self, container: Container) -> None:
        self._container = container
        self._is_under_way = False

    @property
    def is_under_way(self) -> bool:
        """Whether it has begun and not ended: what is missing then may still come."""
        return self._is_under_way

    def begin(self) -> None:
        """Begin, and return at once."""
        self._is_under_way = True
        threading.Thread(target=self._run, name="loading", daemon=True).start()

    def _run(self) -> None:
        try:
            prepare(self._container, cleans_up=False)  # the server stores no file
            load(self._container, warms_up=False)
        finally:
            self._is_under_way = False
