"""Receptive fields, counted on one side.

A result with a receptive field of n depends on n positions before and n after its own. The
receptive field of a chain of layers is the sum of the layers' own, at one rate.
"""

from typing import Protocol


class Convolution(Protocol):
    """A one-dimensional convolution of odd length and stride 1, such as ``torch.nn.Conv1d``."""

    @property
    def kernel_size(self) -> tuple[int, ...]: ...

    @property
    def dilation(self) -> tuple[int, ...]: ...


def receptive_field_of_layer(layer: Convolution) -> int:
    """Return how many positions on each side of its own a result of ``layer`` depends on."""
    return layer.dilation[0] * (layer.kernel_size[0] - 1) // 2
