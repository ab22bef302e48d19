"""The removal of finished files after some days."""

import time
from collections.abc import Callable

from application.ports.storage import ExpiringFiles, RemovedFiles

_SECONDS_PER_DAY = 86_400


class Cleanup:
    """Removes files that were last written more than ``keep_days`` days ago.

    Args:
        files: The files.
        keep_days: Days that a file is kept.
        now: Returns seconds since the epoch.
    """

    def __init__(
        self, *, files: ExpiringFiles, keep_days: int, now: Callable[[], float] = time.time
    ) -> None:
        self._files = files
        self._keep_days = keep_days
        self._now = now

    def run(self) -> RemovedFiles:
        """Remove the old files and return how many there were.

        Raises:
            StorageFailed: the files cannot be removed.
        """
        return self._files.remove_before(self._now() - self._keep_days * _SECONDS_PER_DAY)
