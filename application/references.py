"""Reference recordings, found by name and made fit for cloning."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from application.ports.audio import AudioDecoder
from application.ports.voices import VoiceRepository
from domain.errors import BadReference
from domain.voice import LONGEST_SECONDS, Recording, usable_reference, voice_name

_DECODED_SECONDS = LONGEST_SECONDS + 1
"""Enough to tell that a recording is longer than what is used of it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording that can be cloned, and what the caller should know about it."""

    recording: Recording
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VoiceEntry:
    """A line in the list of voices; ``problem`` says why a recording cannot be used."""

    name: str
    file: str
    duration_seconds: float
    problem: str = ""


class References:
    """The recordings of a voice repository, decoded."""

    def __init__(self, *, voices: VoiceRepository, decoder: AudioDecoder) -> None:
        self._voices = voices
        self._decoder = decoder

    def find(self, name: str) -> Reference:
        """The recording called ``name``, cut to what the model listens to.

        Raises:
            UnknownVoice: there is none.
            BadReference: it cannot be decoded, is too short, or is silent.
        """
        found = self._voices.read(name)
        return self.examine(found.content, name=found.name, file=found.file)

    def examine(self, content: bytes, *, name: str, file: str) -> Reference:
        """Decode ``content`` and judge it as a reference.

        Raises:
            BadReference: it cannot be decoded, is too short, or is silent.
        """
        decoded = self._decoder.decode(content, name=file, limit_seconds=_DECODED_SECONDS)
        waveform, warnings = usable_reference(decoded, name=file)
        digest = hashlib.sha256(content).hexdigest()
        return Reference(Recording(name, file, digest, waveform), warnings)

    def entries(self) -> Iterator[VoiceEntry]:
        """All voices with their whole duration, the unusable ones too, sorted by file."""
        for file in self._voices.list():
            content = self._voices.read(file).content
            name = voice_name(file)
            try:
                decoded = self._decoder.decode(content, name=file)
                usable_reference(decoded, name=file)
            except BadReference as error:
                yield VoiceEntry(name, file, 0.0, error.message)
            else:
                yield VoiceEntry(name, file, decoded.duration_seconds)
