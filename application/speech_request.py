"""A request to speak, its defaults, and the names that it may give to the stored object."""

import re
from dataclasses import dataclass

from domain.audio import AudioFormat
from domain.delivery import Sampling
from domain.emotion import Emotion
from domain.joins.join import Join
from domain.joins.pause import Pause
from domain.voice_choice import VoiceChoice
from domain.warnings import SpeechWarning

MAX_TEXT_CHARS = 10_000
"""Characters of a text: about eleven minutes of English, which a GPU speaks within a job's time."""

CHUNK_CHARS = 300
STREAM_CHUNK_CHARS = 150
"""Characters of a chunk in a stream: half as many, so that the first audio leaves earlier."""

CROSSFADE_MS = 140
PAUSE_MS = 300
BITRATE_KBPS = 128
LOWEST_BITRATE_KBPS = 16

SESSION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
"""A name of at most 128 characters that is safe as a file name, an object key and in a URL."""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text to speak, and how.

    Args:
        speaker_voice: Name of the voice, or a recording that came with the request; None is the
            default voice.
        emo_alpha: The emotion's strength as the caller gave it, for the report alone; it is
            reported without an emotion too.
        max_chars_per_chunk: Upper bound of a chunk; None leaves the text in one chunk.
        seed: None draws one.
        speed: How much faster than spoken the audio is, with the same pitch.
        bitrate_kbps: Bit rate of a lossy format, in kilobits per second.
        session_id: Names the stored object. None takes the job's id where that can be a name, and
            else a new name.
        warnings: Warnings about the request, for the report.
    """

    text: str
    speaker_voice: VoiceChoice | None = None
    emotion: Emotion | None = None
    emo_alpha: float = 1.0
    max_chars_per_chunk: int | None = CHUNK_CHARS
    join: Join = Pause(PAUSE_MS)
    seed: int | None = None
    sampling: Sampling = Sampling()
    language: str | None = None
    speed: float = 1.0
    audio_format: AudioFormat = AudioFormat.OPUS
    bitrate_kbps: int = BITRATE_KBPS
    session_id: str | None = None
    warnings: tuple[SpeechWarning, ...] = ()


def is_session_id(name: str) -> bool:
    """Return whether ``name`` can name a stored object."""
    return re.fullmatch(SESSION_PATTERN, name) is not None
