"""BigVGAN's forward pass, over the weights of upstream's network."""

import math
from typing import Any

from torch import Tensor, nn

from adapters.indextts2.receptive_field import receptive_field_of_layer
from adapters.indextts2.vocoder.snake import SNAKE_RECEPTIVE_FIELD, AntiAliasedSnake
from domain.errors import ModelUnavailable


class BigVgan:
    """From mel to samples: the result of upstream's ``BigVGAN``, to within rounding.

    The convolutions are upstream's own; the activations are ``snake.AntiAliasedSnake``; sums are
    made in place.
    """

    def __init__(self, *, network: Any) -> None:
        """Use ``network``, upstream's ``BigVGAN`` with torch activations and without weight norm.

        Raises:
            ModelUnavailable: The network has residual blocks of another type.
        """
        if network.h.resblock != "1":
            raise ModelUnavailable("config.json describes another vocoder: resblock")
        self._network = network
        self._stages = [
            (upsampling, [_ResidualBlock(block) for block in blocks])
            for upsampling, blocks in _stages(network)
        ]
        self._last_snake = AntiAliasedSnake(network.activation_post)

    def __call__(self, mels: Tensor) -> Tensor:
        """Return samples (rows, 1, 256 t) of ``mels`` (rows, 80, t), in the network's dtype."""
        state: Tensor = self._network.conv_pre(mels)  # (rows, channels, t), then at higher rates
        for upsampling, (first, *others) in self._stages:
            upsampled = upsampling(state)
            state = first(upsampled)
            for block in others:
                state += block(upsampled)
            state /= 1 + len(others)
        wave: Tensor = self._network.conv_post(self._last_snake(state))
        return wave.tanh_() if self._network.use_tanh_at_final else wave.clamp_(-1.0, 1.0)


class _ResidualBlock:
    """Upstream's ``AMPBlock1``: pairs of activation and convolution, each pair with a residual."""

    def __init__(self, block: Any) -> None:
        snakes = [AntiAliasedSnake(activation) for activation in block.activations]
        self._layers = list(zip(snakes[::2], block.convs1, snakes[1::2], block.convs2, strict=True))

    def __call__(self, state: Tensor) -> Tensor:
        """Return the block's output for ``state`` (rows, channels, samples), of the same shape."""
        for first_snake, dilated, second_snake, plain in self._layers:
            residual: Tensor = plain(second_snake(dilated(first_snake(state))))
            residual += state
            state = residual
        return state


def samples_per_frame(network: Any) -> int:
    """Return how many samples upstream's ``network`` makes of a mel frame."""
    return math.prod(upsampling.stride[0] for upsampling, _ in _stages(network))


def receptive_field(network: Any) -> int:
    """Return how many mel frames on each side a sample of upstream's ``network`` depends on.

    The number is an upper bound, summed over the layers, each at its own rate.
    """
    frames, rate = float(receptive_field_of_layer(network.conv_pre)), 1
    for upsampling, blocks in _stages(network):
        frames += upsampling.kernel_size[0] / upsampling.stride[0] / rate
        rate *= upsampling.stride[0]
        frames += max(_receptive_field_of_block(block) for block in blocks) / rate
    last = SNAKE_RECEPTIVE_FIELD + receptive_field_of_layer(network.conv_post)
    return math.ceil(frames + last / rate)


def _stages(network: Any) -> list[tuple[Any, list[Any]]]:
    """Return each upsampling layer with the residual blocks that follow it side by side."""
    kernels, blocks = int(network.num_kernels), list(network.resblocks)
    return [
        (upsampling, blocks[stage * kernels : (stage + 1) * kernels])
        for stage, (upsampling,) in enumerate(network.ups)
    ]


def _receptive_field_of_block(block: Any) -> int:
    """Return the receptive field of a residual block, in samples at the block's rate."""
    layers = [layer for layer in block.modules() if isinstance(layer, nn.Conv1d)]
    return sum(receptive_field_of_layer(layer) + SNAKE_RECEPTIVE_FIELD for layer in layers)
