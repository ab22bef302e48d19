"""Where the model's files come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol


class WeightState(Enum):
    """What became of one file of the model, or how it was found."""

    VERIFIED = "whole"
    COPIED = "copied"
    FETCHED = "fetched"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of the model: ``name`` is ``ORG/REPOSITORY/path``, as the hub calls it."""

    name: str
    size_bytes: int
    state: WeightState


class WeightStep(Enum):
    """What takes time on the way to the weights."""

    WAITING = "waiting"
    PLANNED = "planned"
    VERIFYING = "verifying"
    COPYING = "copying"
    FETCHING = "fetching"


@dataclass(frozen=True, slots=True)
class WeightProgress:
    """How far one step of one file is; while waiting for another process there is no file.

    ``PLANNED`` is a step of every file, before the first byte comes: its bytes that are here.
    """

    step: WeightStep
    name: str = ""
    done_bytes: int = 0
    total_bytes: int = 0


WeightWatcher = Callable[[WeightProgress], None]


@dataclass(frozen=True, slots=True)
class WeightBytes:
    """Bytes of all files that are here, and that there will be; both 0 until that is known."""

    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class WeightPlace:
    """The folder from which the files of one repository are read."""

    repository: str
    folder: Path


WeightFinder = Callable[[], Sequence[WeightPlace]]
"""Returns the place of each repository. It looks at names alone, and sends no request."""


class WeightSource(Protocol):
    """Where the model's files come from."""

    def check(self, watch: WeightWatcher) -> Sequence[WeightFile]:
        """Compare every byte that is here with what the source has; changes nothing.

        Every file is verified, missing or damaged.

        Raises:
            ModelUnavailable: the source cannot be asked.
        """

    def fetch(self, watch: WeightWatcher) -> Sequence[WeightFile]:
        """Make every file whole: found here, copied from another place of this machine, or fetched.

        An interrupted fetch goes on where it stopped. A file appears under its name only when it
        is whole, and only one process at a time works on a folder; another waits. Of each
        repository, files that the model can do without appear first: where all others are, nothing
        is left to fetch.

        Raises:
            ModelUnavailable: a file cannot be had, or not be kept; the message says what to do.
        """
