"""A file as the hub describes it, and the check whether a file on the disk has its bytes."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from application.ports.weights import WeightState

_BLOCK_BYTES = 1 << 20
"""1 MiB: large enough that reading costs more than the calls, small enough for progress."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository at one commit.

    A large file has ``sha256``, the SHA-256 of its content, as in Git LFS. A small file has none;
    its ``blob_id`` is the SHA-1 of git's blob object: a header with the length, then the content.
    """

    repository: str
    commit: str
    path: str
    size_bytes: int
    blob_id: str
    sha256: str | None = None

    @property
    def name(self) -> str:
        """The name that the hub uses: ``ORG/REPOSITORY/path``."""
        return f"{self.repository}/{self.path}"

    @property
    def digest(self) -> str:
        """The hash that identifies the content."""
        return self.sha256 or self.blob_id

    def state_of(self, path: Path, report: Callable[[int], None]) -> WeightState:
        """Return whether the file at ``path`` is verified, missing or damaged.

        Args:
            path: The file on the disk; every byte is read.
            report: Called after each block with the number of bytes read so far.

        Raises:
            OSError: the file is there and cannot be read.
        """
        if not path.is_file():
            return WeightState.MISSING
        if path.stat().st_size != self.size_bytes:
            return WeightState.DAMAGED
        actual = hashlib.sha256() if self.sha256 else hashlib.sha1(usedforsecurity=False)
        if not self.sha256:
            actual.update(b"blob %d\0" % self.size_bytes)
        with path.open("rb") as content:
            while block := content.read(_BLOCK_BYTES):
                actual.update(block)
                report(content.tell())
        return WeightState.VERIFIED if actual.hexdigest() == self.digest else WeightState.DAMAGED
