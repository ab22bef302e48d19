"""Comparison of log-mel spectrograms in the magnitudes that a listener would notice."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

_RELATIVE = 1e-5
_TRANSFORM_SAMPLES = 1024


def assert_same_mel(mel: npt.NDArray[Any], golden: npt.NDArray[Any]) -> None:
    """Compare log magnitudes (1, bands, frames) of two spectrograms, band by band.

    A float32 Fourier transform of N samples rounds each of its bins by up to ``log2(N)`` units in
    the last place of the frame's loudest bin, not of the bin itself (Schatzman, "Accuracy of the
    Discrete Fourier Transform and the Fast Fourier Transform", 1996). So a band may differ by that
    much of the frame's loudest band; in a band that is nearly silent the logarithm makes any number
    of it.
    """
    ours, theirs = np.exp(mel, dtype=np.float64), np.exp(golden, dtype=np.float64)
    assert ours.shape == theirs.shape
    rounding = math.log2(_TRANSFORM_SAMPLES) * np.finfo(np.float32).eps
    allowed = _RELATIVE * theirs + rounding * theirs.max(axis=1, keepdims=True)
    excess = np.abs(ours - theirs) / allowed
    assert excess.max() <= 1, f"{(excess > 1).mean():.2%} of the bands differ, by {excess.max():g}"
