"""Samples: mono, float32, between -1 and 1."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.float32]
"""Shape (n,), float32, full scale ±1."""

AUDIBLE_AMPLITUDE = 0.005
"""-46 dBFS. Quieter samples at an edge are background noise, about 35 dB under speech."""


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """A stretch of mono audio: ``samples`` of shape (n,), float32, at ``sample_rate_hz``.

    It equals itself only: arrays have no single answer to ``==``, and no hash.

    Raises:
        ValueError: samples of another shape or type, not finite, or a rate below 1 Hz.
    """

    samples: Samples
    sample_rate_hz: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise ValueError("samples must be a one-dimensional float32 array")
        if self.sample_rate_hz < 1:
            raise ValueError("sample_rate_hz must be at least 1")
        if not np.isfinite(self.samples).all():
            raise ValueError("samples must be finite")

    @property
    def duration_seconds(self) -> float:
        return len(self.samples) / self.sample_rate_hz


@dataclass(frozen=True, slots=True)
class AudibleSpan:
    """Samples ``start`` to ``end`` (exclusive), from the first audible one to the last."""

    start: int
    end: int


def audible_span(samples: Samples, *, threshold: float = AUDIBLE_AMPLITUDE) -> AudibleSpan | None:
    """Where ``samples`` reach ``threshold`` first and last, or None where they never do."""
    loud = np.abs(samples) >= threshold
    if not loud.any():
        return None
    return AudibleSpan(start=int(loud.argmax()), end=len(loud) - int(loud[::-1].argmax()))


def to_int16(samples: Samples) -> npt.NDArray[np.int16]:
    """Round ±1 to ±32 767; what lies outside full scale is clipped."""
    scaled: npt.NDArray[np.float32] = np.clip(samples, -1.0, 1.0) * np.float32(32767.0)
    return np.rint(scaled).astype(np.int16)


def samples_in(milliseconds: float, sample_rate_hz: int) -> int:
    """How many samples last ``milliseconds``, rounded to the nearest."""
    return round(milliseconds * sample_rate_hz / 1000)


class AudioFormat(Enum):
    """Container and codec of a finished file, by the name that requests use."""

    OPUS = "opus"
    MP3 = "mp3"
    WAV = "wav"
    FLAC = "flac"
    M4A = "m4a"

    @property
    def extension(self) -> str:
        """File name ending, with its dot."""
        return ".ogg" if self is AudioFormat.OPUS else f".{self.value}"

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self]

    @property
    def is_lossy(self) -> bool:
        return self not in (AudioFormat.WAV, AudioFormat.FLAC)


_CONTENT_TYPES = {
    AudioFormat.OPUS: "audio/ogg",
    AudioFormat.MP3: "audio/mpeg",
    AudioFormat.WAV: "audio/wav",
    AudioFormat.FLAC: "audio/flac",
    AudioFormat.M4A: "audio/mp4",
}


class StreamFormat(Enum):
    """Container and codec of audio that leaves while it is spoken, by its common name.

    AAC is in ADTS frames, M4A in fragments; PCM is little-endian int16 without any container.
    """

    OPUS = "opus"
    MP3 = "mp3"
    WAV = "wav"
    FLAC = "flac"
    M4A = "m4a"
    AAC = "aac"
    PCM = "pcm"
