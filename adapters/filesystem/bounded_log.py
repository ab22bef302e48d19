"""A text file that keeps its newest lines."""

import os
from contextlib import suppress
from pathlib import Path

LIMIT_BYTES = 1_000_000
"""Hundreds of starts; small beside anything else on a volume."""


class BoundedLog:
    """Lines in a file that never grows past ``limit_bytes``; several processes may append.

    A file that cannot be written is left alone: its reader misses lines, and nothing fails. Lines
    that another process appends in the moment in which the file is cut may be lost.
    """

    def __init__(self, path: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._path = path
        self._limit_bytes = limit_bytes

    def append(self, line: str) -> None:
        """Append ``line``; where the file would be too long, drop its older half first."""
        content = f"{line}\n".encode()
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size + len(content) > self._limit_bytes:
                self._drop_older_half()
            with self._path.open("ab", buffering=0) as log:
                log.write(content)

    def _drop_older_half(self) -> None:
        with self._path.open("rb") as log:
            log.seek(-self._limit_bytes // 2, os.SEEK_END)
            newest = log.read()
        shorter = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            shorter.write_bytes(newest.partition(b"\n")[2])
            shorter.replace(self._path)
        finally:
            shorter.unlink(missing_ok=True)
