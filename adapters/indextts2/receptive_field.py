"""What several networks ask of their convolutions."""

from typing import Any


def reach_of_layer(layer: Any) -> int:
    """How many places on each side a one-dimensional convolution of odd length feels."""
    reach: int = layer.dilation[0] * (layer.kernel_size[0] - 1) // 2
    return reach
