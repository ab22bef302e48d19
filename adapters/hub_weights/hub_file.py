"""A file as the hub describes it, and whether bytes on the disk are that file."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from application.ports.weights import WeightState

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository at one commit.

    Large files are known by their SHA-256 (``sha256``, as in Git LFS), small ones by the SHA-1 of
    git's blob object (``blob_id``), which begins with the length.
    """

    repository: str
    commit: str
    path: str
    size_bytes: int
    blob_id: str
    sha256: str | None = None

    @property
    def name(self) -> str:
        return f"{self.repository}/{self.path}"

    @property
    def digest(self) -> str:
        return self.sha256 or self.blob_id

    def state_of(self, path: Path, report: Callable[[int], None]) -> WeightState:
        """Whole, missing or damaged; reads every byte and tells ``report`` how many it has read.

        Raises:
            OSError: the file is there and cannot be read.
        """
        if not path.is_file():
            return WeightState.MISSING
        if path.stat().st_size != self.size_bytes:
            return WeightState.DAMAGED
        known = hashlib.sha256() if self.sha256 else hashlib.sha1(usedforsecurity=False)
        if not self.sha256:
            known.update(b"blob %d\0" % self.size_bytes)
        with path.open("rb") as content:
            while block := content.read(_BLOCK_BYTES):
                known.update(block)
                report(content.tell())
        return WeightState.VERIFIED if known.hexdigest() == self.digest else WeightState.DAMAGED
