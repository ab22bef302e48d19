"""Recordings of voices, found by name and checked as references of the model."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from application.ports.audio import AudioDecoder
from application.ports.links import RecordingLinks, not_fetched
from application.ports.voices import FileVersion, VoiceReader
from domain.audio import Waveform
from domain.errors import BadReference, UnknownVoice
from domain.voice import LONGEST_SECONDS, Recording, usable_reference, voice_name
from domain.voice_choice import SentRecording, VoiceChoice
from domain.warnings import SpeechWarning

_DECODED_SECONDS = LONGEST_SECONDS + 1
"""Seconds that are decoded of a recording: enough to show that it is longer than what is used."""

COUNTED_SECONDS = 600.0
"""Longest duration that the list of voices measures, in seconds, so that no file takes long.

Audio past ``LONGEST_SECONDS`` is not used in any case.
"""


KEPT_RECORDINGS = 8
"""Recordings that stay decoded, 3 MB each at 48 kHz: a decoding would delay the first audio."""


@dataclass(frozen=True, slots=True)
class CheckedRecording:
    """A recording that can be cloned, and warnings about it for the caller."""

    recording: Recording
    warnings: tuple[SpeechWarning, ...]


@dataclass(frozen=True, slots=True)
class VoiceEntry:
    """A line in the list of voices; ``problem`` is why its recording cannot be used.

    ``duration_seconds`` is that of the complete recording, at most ``COUNTED_SECONDS``.
    """

    name: str
    file: str
    duration_seconds: float
    problem: str = ""


class References:
    """The recordings of a voice repository, and those that requests bring, decoded.

    Without ``links`` no recording is fetched from a URL.
    """

    def __init__(
        self, *, voices: VoiceReader, decoder: AudioDecoder, links: RecordingLinks | None = None
    ) -> None:
        self._voices = voices
        self._decoder = decoder
        self._links = links
        self._lock = threading.Lock()
        self._latest: dict[tuple[str, str, str], CheckedRecording] = {}
        self._known: dict[tuple[str, FileVersion], VoiceEntry] = {}

    def choose(self, choice: VoiceChoice) -> CheckedRecording:
        """Return the recording that a request names or brings, as ``find`` does.

        What is computed of a recording that was brought is not kept: it is the voice of a person
        who agreed to this request, and to no store of voices.

        Raises:
            UnknownVoice: there is none of that name.
            BadReference: it cannot be fetched or decoded, is too short, or is silent.
        """
        if isinstance(choice, str):
            return self.find(choice)
        name = choice.sent_as
        if isinstance(choice, SentRecording):
            return self.examine(choice.content, name=name, file=name, may_be_kept=False)
        if self._links is None:
            raise not_fetched(choice)
        content = self._links.fetch(choice)
        return self.examine(content, name=name, file=name, may_be_kept=False)

    def find(self, name: str) -> CheckedRecording:
        """Return the recording called ``name``, cut to the length that the model uses.

        The file is read each time, so that a new one counts at once; one with the same bytes is
        not decoded again while it is among the ``KEPT_RECORDINGS`` that were asked for last.

        Raises:
            UnknownVoice: there is none.
            BadReference: it cannot be decoded, is too short, or is silent.
        """
        found = self._voices.read(name)
        key = (found.name, found.file, hashlib.sha256(found.content).hexdigest())
        with self._lock:
            checked = self._latest.pop(key, None)
        checked = checked or self.examine(found.content, name=found.name, file=found.file)
        with self._lock:
            self._latest[key] = checked
            if len(self._latest) > KEPT_RECORDINGS:
                del self._latest[next(iter(self._latest))]
        return checked

    def examine(
        self, content: bytes, *, name: str, file: str, may_be_kept: bool = True
    ) -> CheckedRecording:
        """Decode ``content`` and check that the model can use it as a reference.

        Raises:
            BadReference: it cannot be decoded, is too short, or is silent.
        """
        _, waveform, warnings = self._usable(content, file)
        digest = hashlib.sha256(content).hexdigest()
        return CheckedRecording(Recording(name, file, digest, waveform, may_be_kept), warnings)

    def entries(self) -> Iterator[VoiceEntry]:
        """Yield all voices, the unusable ones too, sorted by file.

        A file that is deleted meanwhile is left out. One that has not changed since an
        earlier list is not read again.
        """
        listed: dict[tuple[str, FileVersion], VoiceEntry] = {}
        for file in self._voices.list():
            version = self._voices.version(file)
            key = (file, version) if version else None
            entry = self._known.get(key) if key else None
            if entry is None:
                try:
                    content = self._voices.read(file).content
                except UnknownVoice:
                    continue
                except BadReference as error:  # not kept, because the next read may succeed
                    yield VoiceEntry(voice_name(file), file, 0.0, error.message)
                    continue
                entry = self._checked(content, file)
            if key:
                listed[key] = self._known[key] = entry
            yield entry
        self._known = listed

    def _usable(
        self, content: bytes, file: str
    ) -> tuple[Waveform, Waveform, tuple[SpeechWarning, ...]]:
        """Return the decoded recording, the part of it that is used, and warnings about it.

        Raises:
            BadReference: it cannot be decoded, is too short, or is silent.
        """
        decoded = self._decoder.decode(content, name=file, limit_seconds=_DECODED_SECONDS)
        return decoded, *usable_reference(decoded, name=file)

    def _checked(self, content: bytes, file: str) -> VoiceEntry:
        """Return the line for ``content``, checked as ``examine`` does."""
        name = voice_name(file)
        try:
            decoded, _, _ = self._usable(content, file)
            seconds = decoded.duration_seconds
            if seconds >= _DECODED_SECONDS:
                counted = self._decoder.duration_seconds(
                    content, name=file, limit_seconds=COUNTED_SECONDS
                )
                seconds = max(seconds, counted)
        except BadReference as error:
            return VoiceEntry(name, file, 0.0, error.message)
        return VoiceEntry(name, file, seconds)
