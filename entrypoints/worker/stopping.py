"""Whether the process was asked to stop."""

import signal
import threading
from types import FrameType


class Stopping:
    """Notes SIGTERM, and leaves what follows from it to the handler that was there before."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    @property
    def is_asked(self) -> bool:
        """Whether the signal came."""
        return self._asked.is_set()

    def watch(self) -> None:
        """Begin to watch; call it in the main thread, once the other handler is installed."""
        before = signal.getsignal(signal.SIGTERM)

        def note(number: int, frame: FrameType | None) -> None:
            self._asked.set()
            if callable(before):
                before(number, frame)

        if callable(before):
            signal.signal(signal.SIGTERM, note)
