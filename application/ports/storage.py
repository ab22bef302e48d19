"""Where finished audio goes, and how long it stays there."""

from dataclasses import dataclass, field
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Where a finished file is: its key in the store and a URL that anyone may read."""

    key: str
    url: str


@dataclass(frozen=True, slots=True)
class InlineObject:
    """The content of a finished file, for the answer itself: nothing was kept elsewhere."""

    content: bytes = field(repr=False)


class ObjectStore(Protocol):
    """Takes finished files, each under a key that belongs to one job.

    A store that returns ``InlineObject`` keeps nothing: no key belongs to anybody there.
    """

    @property
    def kind(self) -> str:
        """``s3``, ``filesystem``, ``inline``."""

    @property
    def largest_bytes(self) -> int | None:
        """Size of the largest file that ``put`` takes; None where only the space limits it."""

    def is_reachable(self) -> bool:
        """Whether an object could be stored now; never raises."""

    def claim(self, key: str, *, owner: str) -> None:
        """Check, before any work, that ``owner`` may store under ``key``.

        Raises:
            Conflict: another owner's object is there.
            StorageFailed: the store cannot be reached or written.
        """

    def put(
        self, key: str, content: BinaryIO, *, owner: str, content_type: str
    ) -> StoredObject | InlineObject:
        """Store ``content`` (seekable, read from its start) under ``key``, whole or not at all.

        An object of the same owner is replaced, another owner's never.

        Raises:
            Conflict: another owner's object appeared since ``claim``.
            StorageFailed: the store refused or could not be reached, or the content is larger than
                ``largest_bytes``.
        """


@dataclass(frozen=True, slots=True)
class RemovedFiles:
    """How much a cleanup took away."""

    count: int
    size_bytes: int


class ExpiringFiles(Protocol):
    """Finished files that are kept for a while only."""

    def remove_before(self, moment: float) -> RemovedFiles:
        """Remove what was last written before ``moment``, in seconds since the epoch.

        Raises:
            StorageFailed: the files cannot be removed.
        """
