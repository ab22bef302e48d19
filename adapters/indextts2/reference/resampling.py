"""The two resamplers of upstream's pipeline; their results differ slightly, so both are needed."""

import math

import numpy as np
import soxr
import torch
from torch import Tensor

from domain.audio import Samples, Waveform

_ZERO_CROSSINGS = 6
_ROLLOFF = 0.99
"""``lowpass_filter_width`` and ``rolloff`` of ``torchaudio.functional.resample``."""


def resample(waveform: Waveform, rate_hz: int) -> Samples:
    """Resample with SoX at high quality, as ``librosa.load`` does.

    Returns:
        ``ceil(n * rate_hz / waveform.sample_rate_hz)`` samples, float32.
    """
    if waveform.sample_rate_hz == rate_hz:
        return waveform.samples
    length = math.ceil(len(waveform.samples) * rate_hz / waveform.sample_rate_hz)
    resampled = soxr.resample(waveform.samples, waveform.sample_rate_hz, rate_hz, quality="HQ")
    fitted = np.zeros(length, dtype=np.float32)
    fitted[: len(resampled)] = resampled[:length]
    return fitted


def resample_by_sinc(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Resample by Hann-windowed sinc interpolation, as ``torchaudio.functional.resample`` does.

    The defaults of torchaudio are used, and the numbers are the same. In torchaudio the phase of
    each output sample is a float32 quotient, so it is one here too.

    Returns:
        ``ceil(n * to_hz / from_hz)`` samples, float32.
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
    """Return one filter for each of the ``new`` phases, (new, 1, 2 * width + old), and ``width``.

    The filters have six zero crossings on each side and their cutoff at 0.99 of the lower Nyquist
    frequency. Source: ``_get_sinc_resample_kernel`` in ``torchaudio.functional``.
    """
    cutoff = min(old, new) * _ROLLOFF
    width = math.ceil(_ZERO_CROSSINGS * old / cutoff)
    offsets = torch.arange(-width, width + old, dtype=torch.float64)[None, None] / old
    phases = torch.arange(0, -new, -1)[:, None, None] / new  # float32: see resample_by_sinc
    times = ((phases + offsets) * cutoff).clamp(-_ZERO_CROSSINGS, _ZERO_CROSSINGS)
    window = torch.cos(times * math.pi / _ZERO_CROSSINGS / 2) ** 2
    filters = torch.sinc(times) * window * (cutoff / old)
    return filters.float(), width
