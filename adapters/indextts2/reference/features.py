"""Recordings as the networks want to see them: three spectrograms of mono audio."""

import math

import numpy as np
import torch
from torch import Tensor

FRAME_SAMPLES, STEP_SAMPLES, TRANSFORM_SAMPLES = 400, 160, 512
"""Kaldi's 25 ms frames every 10 ms at 16 kHz, padded for the Fourier transform."""
BANDS = 80
_PREEMPHASIS = 0.97
_SMALLEST_ENERGY = 2.0**-23


def kaldi_bands(samples: Tensor) -> Tensor:
    """Log mel energies as Kaldi computes them, without dither: (n,) at 16 kHz to (frames, 80).

    Povey window, pre-emphasis 0.97, mean of each frame removed, bands from 20 Hz to 8 kHz; on the
    CPU, in float64 until the last step. Source: kaldi ``feature-window.cc`` and
    ``mel-computations.cc``. Needs 400 samples or more.
    """
    frames = samples.double().unfold(0, FRAME_SAMPLES, STEP_SAMPLES)
    frames = frames - frames.mean(dim=1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
    window = torch.hann_window(FRAME_SAMPLES, periodic=False, dtype=torch.float64) ** 0.85
    frames = (frames - _PREEMPHASIS * before) * window
    power = torch.fft.rfft(frames, TRANSFORM_SAMPLES).abs() ** 2
    energies = power @ _kaldi_filters()
    bands: Tensor = energies.clamp(min=_SMALLEST_ENERGY).log().float()
    return bands


def encoder_features(samples: Tensor) -> tuple[Tensor, Tensor]:
    """What w2v-bert listens to: (n,) at 16 kHz to features (1, T, 160) and mask (1, T).

    Kaldi bands of 16-bit-scaled samples, each band normalised over time, two frames side by side;
    an odd last frame is paired with ones and masked out.
    """
    # numpy's float32 sums along contiguous time round like the extractor of the encoder's authors.
    values = np.ascontiguousarray(kaldi_bands(samples * 2**15).numpy().T).T
    spread = np.sqrt(values.var(axis=0, ddof=1) + 1e-7)
    bands = torch.from_numpy((values - values.mean(axis=0)) / spread)
    mask = torch.ones(1, math.ceil(len(bands) / 2), dtype=torch.long)
    if len(bands) % 2:
        bands = torch.cat([bands, torch.ones_like(bands[:1])])
        mask[0, -1] = 0
    return bands.reshape(1, -1, 2 * BANDS), mask


def mel_spectrogram(
    samples: Tensor,
    *,
    rate_hz: int,
    transform: int,
    window: int,
    step: int,
    bands: int,
    lowest_hz: float,
    highest_hz: float,
) -> Tensor:
    """Log mel magnitudes as BigVGAN wants them: (n,) to (1, bands, n // step)."""
    margin = (transform - step) // 2
    padded = torch.nn.functional.pad(samples[None, None], (margin, margin), mode="reflect")
    spectrum = torch.stft(
        padded[:, 0],
        transform,
        hop_length=step,
        win_length=window,
        window=torch.hann_window(window, device=samples.device),
        center=False,
        return_complex=True,
    )
    magnitude = torch.sqrt(torch.view_as_real(spectrum).pow(2).sum(-1) + 1e-9)
    filters = _slaney_filters(rate_hz, transform, bands, lowest_hz, highest_hz)
    return (filters.to(samples.device) @ magnitude).clamp(min=1e-5).log()


def _kaldi_filters() -> Tensor:
    """Triangles on Kaldi's mel scale, (257, 80); the Nyquist bin belongs to none."""
    bins = _kaldi_mel(torch.arange(TRANSFORM_SAMPLES // 2, dtype=torch.float64) * 16000 / 512)
    ends = _kaldi_mel(torch.tensor([20.0, 8000.0], dtype=torch.float64))
    edges = torch.linspace(float(ends[0]), float(ends[1]), BANDS + 2, dtype=torch.float64)
    filters = _triangles(bins, edges)
    return torch.cat([filters, torch.zeros_like(filters[:1])])


def _kaldi_mel(hertz: Tensor) -> Tensor:
    return 1127.0 * torch.log1p(hertz / 700.0)


def _slaney_filters(
    rate_hz: int, transform: int, bands: int, lowest_hz: float, highest_hz: float
) -> Tensor:
    """Triangles of equal area on Slaney's mel scale (Auditory Toolbox, 1998), (bands, bins)."""
    bins = torch.linspace(0, rate_hz / 2, transform // 2 + 1, dtype=torch.float64)
    lowest, highest = _slaney_mel(lowest_hz), _slaney_mel(highest_hz)
    edges = _slaney_hertz(torch.linspace(lowest, highest, bands + 2, dtype=torch.float64))
    filters = _triangles(bins, edges) * (2.0 / (edges[2:] - edges[:-2]))
    return filters.T.float()


_LINEAR_STEP = 200.0 / 3
_BREAK_HZ, _BREAK_MEL = 1000.0, 1000.0 / _LINEAR_STEP
_LOG_STEP = math.log(6.4) / 27.0


def _slaney_mel(hertz: float) -> float:
    if hertz < _BREAK_HZ:
        return hertz / _LINEAR_STEP
    return _BREAK_MEL + math.log(hertz / _BREAK_HZ) / _LOG_STEP


def _slaney_hertz(mel: Tensor) -> Tensor:
    curved = _BREAK_HZ * torch.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return torch.where(mel < _BREAK_MEL, mel * _LINEAR_STEP, curved)


def _triangles(bins: Tensor, edges: Tensor) -> Tensor:
    """Rising from ``edges[i]`` to one at ``edges[i + 1]``, falling to ``edges[i + 2]``."""
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)
