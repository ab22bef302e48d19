"""Whether a store really keeps what it is given."""

from dataclasses import dataclass
from typing import Protocol

PROBE_CONTENT = b"A probe of the object store; it can be deleted.\n"


@dataclass(frozen=True, slots=True)
class StorageProbe:
    """What became of a probe object that was stored, found and read.

    ``removal_failure`` tells why it could not be removed, and is empty where it was.
    """

    key: str
    removal_failure: str = ""


class ProbedStorage(Protocol):
    """A store that can be tried with an object of its own."""

    def probe(self) -> StorageProbe:
        """Store a small object under a new key, look it up, read it back and remove it.

        An object that cannot be removed is no failure: finished audio is never removed by a job.

        Raises:
            StorageFailed: it cannot be stored, found or read, or reads differently.
        """
