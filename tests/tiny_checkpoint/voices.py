"""Recordings for the tests: hummed notes, rounded to 16 bits so that every machine has the same."""

import hashlib
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from domain.audio import Waveform
from domain.voice import Recording

_HARMONICS = 11


def hum(pitch_hz: float, *, seconds: float = 2.5, rate_hz: int = 24000) -> npt.NDArray[np.int16]:
    """Return a voice-like tone: harmonics with vibrato, two swells a second, peak at half scale."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    vibrato = 0.3 * np.sin(2 * np.pi * 5.1 * time)
    tone = sum(
        np.sin(order * (2 * np.pi * pitch_hz * time + vibrato)) / order
        for order in range(1, _HARMONICS + 1)
    )
    swell = 0.55 + 0.45 * np.sin(2 * np.pi * 2.3 * time)
    return np.rint(tone * swell * 8000).astype(np.int16)


def recording(
    name: str, pitch_hz: float, *, seconds: float = 2.5, rate_hz: int = 24000
) -> Recording:
    """Return the hum in the form that a speech model gets from the application."""
    samples = hum(pitch_hz, seconds=seconds, rate_hz=rate_hz)
    return Recording(
        name=name,
        file=f"{name}.wav",
        digest=hashlib.sha256(samples.tobytes()).hexdigest(),
        waveform=Waveform(samples.astype(np.float32) / np.float32(32768), rate_hz),
    )


def write_wav(path: Path, samples: npt.NDArray[np.int16], rate_hz: int) -> None:
    """Write ``samples`` as a mono wav file of 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())
