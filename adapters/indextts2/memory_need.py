"""How much memory the engine's weights and the cache of one chunk take, by precision.

The figures are computed, not measured: the weights from the shapes of the networks in their
published sizes and the number types of ``assembly``, the cache from the length of the longest
chunk.
"""

from adapters.indextts2.devices import Precision

WEIGHT_BYTES = {
    Precision.FULL: 6_102_800_000,
    Precision.HALF: 4_659_800_000,
    Precision.HALF_PRODUCTS: 4_963_400_000,
}
"""Parameters and buffers of all networks; those that read emotion from words are not included."""

_BEAMS, _POSITIONS, _LAYERS, _WIDTH = 3, 34 + 602 + 1815, 24, 1280
"""Rows of one chunk by default; its prompt, text and codes at most; sizes of the transformer."""


def cache_bytes(precision: Precision) -> int:
    """Return the bytes of keys and values of the longest chunk: the number type's size each."""
    size = 4 if precision is Precision.FULL else 2
    return 2 * _LAYERS * _WIDTH * _BEAMS * _POSITIONS * size


def needed_bytes(precision: Precision) -> int:
    """Return the least memory with which the engine can speak one chunk at a time."""
    return WEIGHT_BYTES[precision] + cache_bytes(precision)
