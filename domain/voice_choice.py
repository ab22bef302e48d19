"""The ways in which a request chooses a recording: by name, or by bringing it."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class SentRecording:
    """A recording that came with the request, in its field ``sent_as``."""

    sent_as: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LinkedRecording:
    """A recording at ``url``, which came with the request in its field ``sent_as``.

    A URL may hold a secret, so it appears in no message and no log.
    """

    sent_as: str
    url: str = field(repr=False)


VoiceChoice: TypeAlias = str | SentRecording | LinkedRecording
"""The name of a voice, or a recording that the request brings."""
