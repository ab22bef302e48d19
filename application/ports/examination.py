"""What a part of the application finds out about its own installation."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Mark(StrEnum):
    """Whether a finding is in order; no job on this machine depends on a note."""

    OK = "ok"
    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of a report.

    ``advice`` holds a line for each thing that can be done, ``extras`` the optional parts of this
    product that would have to be installed.
    """

    subject: str
    found: str
    mark: Mark = Mark.OK
    advice: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


class Examined(Protocol):
    """A part that can be examined without being used."""

    def examine(self) -> Sequence[Finding]:
        """Look at everything that the part needs; may take half a minute, never raises."""

    def look(self) -> Sequence[Finding]:
        """Look only at what is installed, for a part that is not needed; find no problem."""
