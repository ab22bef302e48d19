"""The gain curve of every fade in and fade out."""

import numpy as np

from domain.audio import Samples

RAMP_MS = 8.0
"""Milliseconds of the fade at a chunk's inner edge.

It is shorter than any consonant, so it hides none, and long enough to make no click.
"""


def rising_gain(length: int) -> Samples:
    """Return a raised cosine that rises from 0 to 1: shape (length,), float32.

    Added to its own mirror image it gives one at every sample.
    """
    phase = (np.arange(length, dtype=np.float64) + 0.5) / max(length, 1)
    return (0.5 - 0.5 * np.cos(np.pi * phase)).astype(np.float32)
