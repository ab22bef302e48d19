"""Two resamplers, because the model was trained with two: they give slightly different numbers."""

import math

import numpy as np
import soxr
import torch
from torch import Tensor

from domain.audio import Samples, Waveform

MODEL_RATE_HZ = 22050
"""What the model speaks, and what a speaker's recording is brought to first."""
ENCODER_RATE_HZ = 16000
"""What the speech encoder and the speaker encoder listen to."""

_ZERO_CROSSINGS = 6
_ROLLOFF = 0.99


def resample(waveform: Waveform, rate_hz: int) -> Samples:
    """SoX at high quality, as librosa's loader does it: ``ceil(n * ratio)`` samples."""
    if waveform.sample_rate_hz == rate_hz:
        return waveform.samples
    length = math.ceil(len(waveform.samples) * rate_hz / waveform.sample_rate_hz)
    resampled = soxr.resample(waveform.samples, waveform.sample_rate_hz, rate_hz, quality="HQ")
    fitted = np.zeros(length, dtype=np.float32)
    fitted[: len(resampled)] = resampled[:length]
    return fitted


def resample_by_sinc(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Hann-windowed sinc interpolation with torchaudio's defaults, number for number.

    Its filter: six zero crossings a side, cut off at 0.99 of the lower Nyquist rate. The phase of
    each output sample is a float32 quotient there, and so it is here.
    """
    divisor = math.gcd(from_hz, to_hz)
    old, new = from_hz // divisor, to_hz // divisor
    if old == new:
        return samples
    filters, width = _sinc_filters(old, new)
    padded = torch.nn.functional.pad(torch.from_numpy(samples), (width, width + old))
    phases = torch.nn.functional.conv1d(padded[None, None], filters, stride=old)
    length = math.ceil(np.float32(new * len(samples) / old))
    resampled: Samples = phases[0].T.reshape(-1)[:length].numpy()
    return resampled


def _sinc_filters(old: int, new: int) -> tuple[Tensor, int]:
    """One filter for each of the ``new`` phases: (new, 1, 2 * width + old), and ``width``."""
    cutoff = min(old, new) * _ROLLOFF
    width = math.ceil(_ZERO_CROSSINGS * old / cutoff)
    offsets = torch.arange(-width, width + old, dtype=torch.float64)[None, None] / old
    phases = torch.arange(0, -new, -1)[:, None, None] / new  # float32: see resample_by_sinc
    times = ((phases + offsets) * cutoff).clamp(-_ZERO_CROSSINGS, _ZERO_CROSSINGS)
    window = torch.cos(times * math.pi / _ZERO_CROSSINGS / 2) ** 2
    filters = torch.sinc(times) * window * (cutoff / old)
    return filters.float(), width
