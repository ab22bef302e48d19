"""The folder of unfinished files, and the lock that lets one process at a time fetch.

Each unfinished file has its hash as its name, so that an interrupted fetch continues the right one.
If a volume does not keep locks, two processes write the same bytes to the same files. One of them
may then fail, but a file still gets its final name only after its hash was verified.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from adapters.hub_weights.hub_file import HubFile
from application.ports.weights import WeightState
from domain.errors import ModelUnavailable


class UnfinishedFiles:
    """The files below ``folder`` that are not complete or not verified yet.

    Args:
        folder: A folder on the filesystem of the finished files; ``locked`` makes it.
    """

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder

    @property
    def free_bytes(self) -> int:
        """Free space of the filesystem."""
        return shutil.disk_usage(self._folder).free

    def path(self, file: HubFile) -> Path:
        """Return where the unfinished ``file`` is, or would be."""
        return self._folder / f"{file.digest}.partial"

    def publish(self, file: HubFile, path: Path, report: Callable[[int], None]) -> None:
        """Verify the unfinished ``file`` and move it to ``path``; remove it if it is damaged.

        Args:
            file: The file; its unfinished bytes are complete.
            path: Its final name.
            report: Called with the number of verified bytes.

        Raises:
            ModelUnavailable: the bytes have another hash than the hub's.
        """
        unfinished = self.path(file)
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        if file.state_of(unfinished, report) is not WeightState.VERIFIED:
            unfinished.unlink()
            raise ModelUnavailable(
                f"{file.name} arrived damaged: its hash is not the hub's. It was removed; run"
                " indextts-runpod download again, and check HF_ENDPOINT if that does not help"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.replace(path)

    def remove_all(self) -> None:
        """Remove every unfinished file."""
        for leftover in self._folder.glob("*.partial"):
            leftover.unlink()

    @contextmanager
    def locked(self, on_wait: Callable[[], None]) -> Generator[None, None, None]:
        """Hold the folder's lock in the block; call ``on_wait`` first if another holds it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def size_bytes(path: Path) -> int:
    """Return the size of the file at ``path``, 0 if there is none."""
    return path.stat().st_size if path.exists() else 0
