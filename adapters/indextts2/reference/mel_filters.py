"""Triangular filters that turn a power or magnitude spectrum into mel bands."""

import math

import torch
from torch import Tensor


def kaldi_filters(*, rate_hz: int, fft_samples: int, bands: int) -> Tensor:
    """Return Kaldi's filters from 20 Hz to the Nyquist frequency, (fft_samples / 2 + 1, bands).

    The Nyquist bin belongs to no filter. Source: kaldi, ``feat/mel-computations.cc``.
    """
    bins = torch.arange(fft_samples // 2, dtype=torch.float64) * rate_hz / fft_samples
    ends = _kaldi_mel(torch.tensor([20.0, rate_hz / 2], dtype=torch.float64))
    edges = torch.linspace(float(ends[0]), float(ends[1]), bands + 2, dtype=torch.float64)
    filters = _triangles(_kaldi_mel(bins), edges)
    return torch.cat([filters, torch.zeros_like(filters[:1])])


def slaney_filters(
    *, rate_hz: int, fft_samples: int, bands: int, lowest_hz: float, highest_hz: float
) -> Tensor:
    """Return filters of equal area on Slaney's mel scale, (bands, fft_samples / 2 + 1), float32.

    Source: Slaney, Auditory Toolbox, 1998, in the form of ``librosa.filters.mel``.
    """
    bins = torch.linspace(0, rate_hz / 2, fft_samples // 2 + 1, dtype=torch.float64)
    lowest, highest = _slaney_mel(lowest_hz), _slaney_mel(highest_hz)
    edges = _slaney_hertz(torch.linspace(lowest, highest, bands + 2, dtype=torch.float64))
    filters = _triangles(bins, edges) * (2.0 / (edges[2:] - edges[:-2]))
    return filters.T.float()


def _kaldi_mel(hertz: Tensor) -> Tensor:
    """Convert Hz to Kaldi's mel scale, elementwise: any shape to the same shape."""
    return 1127.0 * torch.log1p(hertz / 700.0)


_LINEAR_STEP = 200.0 / 3
_BREAK_HZ, _BREAK_MEL = 1000.0, 1000.0 / _LINEAR_STEP
_LOG_STEP = math.log(6.4) / 27.0
"""Slaney's scale is linear below 1 kHz (66.7 Hz a mel) and logarithmic above."""


def _slaney_mel(hertz: float) -> float:
    if hertz < _BREAK_HZ:
        return hertz / _LINEAR_STEP
    return _BREAK_MEL + math.log(hertz / _BREAK_HZ) / _LOG_STEP


def _slaney_hertz(mel: Tensor) -> Tensor:
    """Convert Slaney's mel scale to Hz, elementwise: any shape to the same shape."""
    logarithmic = _BREAK_HZ * torch.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return torch.where(mel < _BREAK_MEL, mel * _LINEAR_STEP, logarithmic)


def _triangles(bins: Tensor, edges: Tensor) -> Tensor:
    """Evaluate triangular filters at the frequencies ``bins``.

    Filter i rises from ``edges[i]`` to one at ``edges[i + 1]`` and falls to ``edges[i + 2]``.

    Args:
        bins: (bins,), in the unit of ``edges``.
        edges: (bands + 2,), ascending.

    Returns:
        (bins, bands).
    """
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)
