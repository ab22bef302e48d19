"""What a recording measures, and what speaks against it as a reference.

The thresholds stand between what was measured on clean speech (the bundled voice, the preview
engine's voice at three paces, a human voice from a telephone), on the same speech in noise, and
on sounds that are no speech (spreads in dB and semitones; SNR: signal-to-noise ratio):

==========================  =========  ========  ======  ======  ==========
recording                   spectrum   level     voiced  pitch   background
==========================  =========  ========  ======  ======  ==========
clean speech                6.2 - 9.9  6.3-8.8   >=0.49  >=2.0   >=57
speech, 0.8 s of reverb     6.9        5.4       0.66    4.2     40
speech, SNR 20 dB           5.5 - 6.2  9.0-9.6   >=0.48  >=4.3   26-27
speech, SNR 10 dB           3.8 - 4.2  5.8-6.0   >=0.44  >=3.7   16-17
speech, SNR 5 dB            3.0 - 3.3  4.0-4.3   >=0.38  >=4.8   12-13
speech, SNR -5 dB           2.2        1.2-2.3   <=0.15  >=6.6   4-7
white, pink, brown noise    1.7 - 1.8  0.2-2.2   <=0.41  <=5.3   0.6-6.8
drums of noise              2.0        8.9       0       none    41
tone, mains hum             0.0 - 1.7  0.0-0.2   0 or 1  0       <=0.7
sweep                       18         0.0       1       4.2     0
organ, chords               4.7 - 6.9  0.5-8.6   <=0.01  0       1.3-29
beeps                       3.6 - 5.5  1.0-3.3   >=0.88  0       167
melody                      20         2.2-4.8   0.98    >=9.6   6-14
==========================  =========  ========  ======  ======  ==========

A melody of one instrument, singing, and music with a voice measure like speech: what raises no
concern is not proven to be speech.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from domain.audio import Samples, Waveform

GOOD_SECONDS = 5.0
"""The model copies a voice better from five seconds on."""
GOOD_RATE_HZ = 16_000
"""The rate at which the model reads a reference; less than that lacks sibilants."""

_STEADY_SPECTRUM_DB = 2.4
_STEADY_LEVEL_DB = 1.0
_UNVOICED_SHARE = 0.15
_STEADY_PITCH_SEMITONES = 0.3
_NOISY_RANGE_DB = 15.0
_QUIET_DBFS = -40.0
_CLIPPED_SHARE = 0.0005
"""Speech clipped at half its peak has 0.0009; unclipped speech at most 0.00014."""

_FRAME_SECONDS = 0.032
_PITCH_FRAME_SECONDS = 0.05
_HOP_SECONDS = 0.02
_FLOOR = 1e-9
_ACTIVE_DB = 30.0
"""Frames within this much of the loudest are the sound; the rest is its background."""
_BANDS = 24
_BAND_HZ = (100.0, 8000.0)
_PITCH_HZ = (60.0, 400.0)
_VOICED_CORRELATION = 0.6
_LOWEST_RATE_HZ = 4000
"""Below this no spectrum of speech is left to measure."""

_Frames: TypeAlias = npt.NDArray[np.float64]
"""Shape (frames, samples)."""


@dataclass(frozen=True, slots=True)
class RecordingMeasures:
    """What ``measure`` finds.

    ``loud_dbfs`` and ``background_db`` are the level that 5 % of the frames pass, and how far it
    lies above the level that 90 % pass. ``clipped_share`` counts neighbouring samples at the peak.
    The spreads are standard deviations over the frames that are not background; ``spectrum`` is
    that of the level in each of 24 bands, beside the frame's own level. ``None`` where the rate is
    too low to tell.
    """

    seconds: float
    sample_rate_hz: int
    loud_dbfs: float
    background_db: float
    clipped_share: float
    level_spread_db: float
    spectrum_spread_db: float | None = None
    voiced_share: float | None = None
    pitch_spread_semitones: float | None = None


def measure(waveform: Waveform) -> RecordingMeasures:
    """Measure ``waveform``, which holds at least 0.1 s and is not silent."""
    samples, rate_hz = _at_most_32_khz(waveform)
    frames = _frames(samples, rate_hz, _FRAME_SECONDS)
    levels_db = _levels_db(frames)
    is_active = levels_db > levels_db.max() - _ACTIVE_DB
    loud_dbfs, quiet_dbfs = np.percentile(levels_db, (95, 10))
    spectrum_db = voiced = pitch = None
    if rate_hz >= _LOWEST_RATE_HZ:
        spectrum_db = _spectrum_spread_db(frames[is_active], rate_hz)
        voiced, pitch = _voicing(samples, rate_hz)
    return RecordingMeasures(
        seconds=waveform.duration_seconds,
        sample_rate_hz=waveform.sample_rate_hz,
        loud_dbfs=float(loud_dbfs),
        background_db=float(loud_dbfs - quiet_dbfs),
        clipped_share=_clipped_share(waveform.samples),
        level_spread_db=float(levels_db[is_active].std()),
        spectrum_spread_db=spectrum_db,
        voiced_share=voiced,
        pitch_spread_semitones=pitch,
    )


def concerns(measures: RecordingMeasures) -> tuple[str, ...]:
    """Return what speaks against the recording as a reference, a clause for each thing."""
    unlike_speech = _unlike_speech(measures)
    if unlike_speech:
        return (f"this does not sound like a person speaking: {unlike_speech}",)
    return tuple(_flaws(measures))


def _unlike_speech(measures: RecordingMeasures) -> str:
    spectrum, voiced = measures.spectrum_spread_db, measures.voiced_share
    pitch = measures.pitch_spread_semitones
    if measures.level_spread_db < _STEADY_LEVEL_DB:
        return "its level never changes, as of a tone, a hum or noise"
    if spectrum is not None and spectrum < _STEADY_SPECTRUM_DB:
        return "its sound never changes, as of a tone or noise"
    if voiced is not None and voiced < _UNVOICED_SHARE:
        return "hardly any of it has the pitch of a voice, as in music, noise or a whisper"
    if pitch is not None and pitch < _STEADY_PITCH_SEMITONES:
        return "its pitch never moves, as of beeps"
    return ""


def _flaws(measures: RecordingMeasures) -> Iterator[str]:
    if measures.seconds < GOOD_SECONDS:
        yield f"it lasts {measures.seconds:.1f} s; 5 to 15 s make a better copy of the voice"
    if measures.clipped_share > _CLIPPED_SHARE:
        yield "it is clipped: record it again at a lower level"
    if measures.loud_dbfs < _QUIET_DBFS:
        yield f"it is quiet ({measures.loud_dbfs:.0f} dBFS): record it louder, or nearer"
    if measures.background_db < _NOISY_RANGE_DB:
        yield (
            "its background is loud, within"
            f" {measures.background_db:.0f} dB of the voice: the copy will have the noise too"
        )
    if measures.sample_rate_hz < GOOD_RATE_HZ:
        yield f"it is sampled at {measures.sample_rate_hz} Hz; the copy will sound dull"


def _at_most_32_khz(waveform: Waveform) -> tuple[npt.NDArray[np.float64], int]:
    """Means of neighbours: nothing here needs more than the band up to 8 kHz."""
    step = max(waveform.sample_rate_hz // GOOD_RATE_HZ, 1)
    length = len(waveform.samples) // step * step
    means = waveform.samples[:length].astype(np.float64).reshape(-1, step).mean(axis=1)
    return means, waveform.sample_rate_hz // step


def _frames(samples: npt.NDArray[np.float64], rate_hz: int, seconds: float) -> _Frames:
    length = min(max(round(seconds * rate_hz), 1), len(samples))
    windows = np.lib.stride_tricks.sliding_window_view(samples, length)
    return windows[:: max(round(_HOP_SECONDS * rate_hz), 1)]


def _levels_db(frames: _Frames) -> npt.NDArray[np.float64]:
    levels: npt.NDArray[np.float64] = 10 * np.log10((frames**2).mean(axis=1) + _FLOOR**2)
    return levels


def _clipped_share(samples: Samples) -> float:
    at_peak = np.abs(samples) >= np.abs(samples).max() * 0.995
    return float((at_peak[1:] & at_peak[:-1]).sum() / len(samples))


def _spectrum_spread_db(frames: _Frames, rate_hz: int) -> float:
    length = frames.shape[1]
    power = np.abs(np.fft.rfft(frames * np.hanning(length))) ** 2 + _FLOOR
    frequency_hz = np.fft.rfftfreq(length, 1 / rate_hz)
    is_inside = (frequency_hz >= _BAND_HZ[0]) & (frequency_hz <= min(_BAND_HZ[1], rate_hz * 0.475))
    bands = np.array_split(power[:, is_inside], _BANDS, axis=1)
    bands_db = 10 * np.log10(np.stack([band.mean(axis=1) for band in bands], axis=1))
    return float((bands_db - bands_db.mean(axis=1, keepdims=True)).std(axis=0).mean())


def _voicing(samples: npt.NDArray[np.float64], rate_hz: int) -> tuple[float, float | None]:
    """Return the share of active frames with a voice's pitch, and how far that pitch moves.

    The autocorrelation of windowed frames over that of the window, as in Boersma, "Accurate
    short-term analysis of the fundamental frequency" (1993).
    """
    frames = _frames(samples, rate_hz, _PITCH_FRAME_SECONDS)
    levels_db = _levels_db(frames)
    frames = frames[levels_db > levels_db.max() - _ACTIVE_DB]
    length = frames.shape[1]
    window = np.hanning(length)
    size = 1 << (2 * length - 1).bit_length()
    correlation = _autocorrelation((frames - frames.mean(axis=1, keepdims=True)) * window, size)
    of_window = _autocorrelation(window[np.newaxis], size)
    lags = np.arange(int(rate_hz / _PITCH_HZ[1]), min(int(rate_hz / _PITCH_HZ[0]), length))
    correlation = correlation[:, lags] / (of_window[:, lags] + 1e-3)
    is_voiced = correlation.max(axis=1) > _VOICED_CORRELATION
    pitch_hz = rate_hz / lags[correlation.argmax(axis=1)][is_voiced]
    spread = float(12 * np.log2(pitch_hz).std()) if is_voiced.any() else None
    return float(is_voiced.mean()), spread


def _autocorrelation(frames: _Frames, size: int) -> _Frames:
    """Of each row, 1 at lag 0."""
    correlation = np.fft.irfft(np.abs(np.fft.rfft(frames, size)) ** 2)
    scaled: _Frames = correlation / (correlation[:, :1] + _FLOOR**2)
    return scaled
