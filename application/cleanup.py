"""Finished files are not kept for ever."""

import time
from collections.abc import Callable

from application.ports.storage import ExpiringFiles, RemovedFiles

_SECONDS_A_DAY = 86_400


class Cleanup:
    """Removes files that nobody has written to for ``keep_days``.

    Args:
        now: Seconds since the epoch.
    """

    def __init__(
        self, *, files: ExpiringFiles, keep_days: int, now: Callable[[], float] = time.time
    ) -> None:
        self._files = files
        self._keep_days = keep_days
        self._now = now

    def run(self) -> RemovedFiles:
        """Do it now.

        Raises:
            StorageFailed: the files cannot be removed.
        """
        return self._files.remove_before(self._now() - self._keep_days * _SECONDS_A_DAY)
