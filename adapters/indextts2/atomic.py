"""Files of the engine's caches, which appear in one step."""

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

_UNFINISHED = ".part"
_ABANDONED_SECONDS = 3600
"""No file of a cache takes an hour to write."""


@contextmanager
def written_in_one_step(path: Path) -> Generator[Path, None, None]:
    """Yield a path beside ``path`` to write to; at the end of the block that file becomes ``path``.

    Its content is on the disk before. The folder is not synced: a cache makes a file again that a
    power cut took away. After an exception neither file is left.

    Raises:
        OSError: the file cannot be synced or renamed.
    """
    unfinished = path.with_suffix(f".{uuid4().hex}{_UNFINISHED}")
    try:
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def remove_abandoned(folder: Path) -> None:
    """Remove the unfinished files of processes that were killed.

    Raises:
        OSError: a file cannot be removed.
    """
    for file in folder.glob(f"*{_UNFINISHED}"):
        if file.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
            file.unlink(missing_ok=True)
