"""Input features of the networks that encode a recording: three spectrograms of mono audio."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adapters.indextts2.reference.mel_filters import kaldi_filters, slaney_filters
from adapters.indextts2.sample_rates import ENCODER_RATE_HZ

FRAME_SAMPLES, HOP_SAMPLES, FFT_SAMPLES = 400, 160, 512
"""Kaldi's frames at 16 kHz: 25 ms every 10 ms, zero-padded to a power of two for the FFT."""
KALDI_BANDS = 80
_PREEMPHASIS = 0.97
_SMALLEST_ENERGY = 2.0**-23
"""Kaldi's floor under the logarithm: float32's epsilon."""


@dataclass(frozen=True, slots=True)
class MelSettings:
    """Parameters of the mel spectrogram that the mel decoder and the vocoder work with."""

    rate_hz: int
    fft_samples: int
    window_samples: int
    hop_samples: int
    bands: int
    lowest_hz: float
    highest_hz: float


def mel_settings(preprocessing: Any) -> MelSettings:
    """Read the settings from ``s2mel.preprocess_params`` of config.yaml, a ``Munch``.

    "None" as ``fmax`` means the Nyquist frequency. Any other value means 8 kHz, whatever it is:
    upstream reads it so, in ``IndexTTS2._load_emotion_matrices`` (infer_v2.py).
    """
    spectrum = preprocessing.spect_params
    is_full_band = spectrum.get("fmax", "None") == "None"
    return MelSettings(
        rate_hz=preprocessing.sr,
        fft_samples=spectrum.n_fft,
        window_samples=spectrum.win_length,
        hop_samples=spectrum.hop_length,
        bands=spectrum.n_mels,
        lowest_hz=spectrum.get("fmin", 0),
        highest_hz=preprocessing.sr / 2 if is_full_band else 8000,
    )


def mel_spectrogram(samples: Tensor, settings: MelSettings) -> Tensor:
    """Compute log mel magnitudes as BigVGAN's authors do.

    Source: ``mel_spectrogram`` in upstream's ``s2mel/modules/audio.py``.

    Args:
        samples: (n,), float32, within ±1, at ``settings.rate_hz``.
        settings: The parameters of the spectrogram.

    Returns:
        (1, bands, n // hop_samples), float32, on the device of ``samples``.
    """
    margin = (settings.fft_samples - settings.hop_samples) // 2
    padded = torch.nn.functional.pad(samples[None, None], (margin, margin), mode="reflect")
    spectrum = torch.stft(
        padded[:, 0],
        settings.fft_samples,
        hop_length=settings.hop_samples,
        win_length=settings.window_samples,
        window=torch.hann_window(settings.window_samples, device=samples.device),
        center=False,
        return_complex=True,
    )
    magnitude = torch.sqrt(torch.view_as_real(spectrum).pow(2).sum(-1) + 1e-9)
    filters = slaney_filters(
        rate_hz=settings.rate_hz,
        fft_samples=settings.fft_samples,
        bands=settings.bands,
        lowest_hz=settings.lowest_hz,
        highest_hz=settings.highest_hz,
    )
    return (filters.to(samples.device) @ magnitude).clamp(min=1e-5).log()


def kaldi_bands(samples: Tensor) -> Tensor:
    """Compute log mel energies as Kaldi does without dither.

    Povey window, pre-emphasis 0.97, the mean of each frame removed, bands from 20 Hz to 8 kHz; on
    the CPU, in float64 until the last step. Source: kaldi, ``feat/feature-window.cc`` and
    ``feat/mel-computations.cc``.

    Args:
        samples: (n,) at 16 kHz; n is 400 or more.

    Returns:
        (frames, 80), float32; frames = (n - 400) // 160 + 1.
    """
    frames = samples.double().unfold(0, FRAME_SAMPLES, HOP_SAMPLES)
    frames = frames - frames.mean(dim=1, keepdim=True)
    previous = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
    window = torch.hann_window(FRAME_SAMPLES, periodic=False, dtype=torch.float64) ** 0.85
    frames = (frames - _PREEMPHASIS * previous) * window
    power = torch.fft.rfft(frames, FFT_SAMPLES).abs() ** 2
    energies = power @ kaldi_filters(
        rate_hz=ENCODER_RATE_HZ, fft_samples=FFT_SAMPLES, bands=KALDI_BANDS
    )
    bands: Tensor = energies.clamp(min=_SMALLEST_ENERGY).log().float()
    return bands


def encoder_features(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the input of w2v-BERT: normalised Kaldi bands, two frames side by side.

    The samples are scaled to 16 bits and each band is normalised over time. An odd last frame is
    paired with ones and masked. Source: ``SeamlessM4TFeatureExtractor`` of transformers.

    Args:
        samples: (n,) at 16 kHz, within ±1; n is 560 or more.

    Returns:
        Features (1, T, 160), float32, and the attention mask (1, T), int64.
    """
    # numpy's float32 sums along contiguous time round like the extractor of the encoder's authors.
    values = np.ascontiguousarray(kaldi_bands(samples * 2**15).numpy().T).T
    deviation = np.sqrt(values.var(axis=0, ddof=1) + 1e-7)
    bands = torch.from_numpy((values - values.mean(axis=0)) / deviation)
    mask = torch.ones(1, math.ceil(len(bands) / 2), dtype=torch.long)
    if len(bands) % 2:
        bands = torch.cat([bands, torch.ones_like(bands[:1])])
        mask[0, -1] = 0
    return bands.reshape(1, -1, 2 * KALDI_BANDS), mask
