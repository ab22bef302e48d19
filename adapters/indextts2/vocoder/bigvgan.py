"""BigVGAN's forward pass, over the weights of the package's network."""

import math
from typing import Any

from torch import Tensor, nn

from adapters.indextts2.receptive_field import reach_of_layer
from adapters.indextts2.vocoder.snake import SNAKE_REACH, AntiAliasedSnake
from domain.errors import ModelUnavailable


class BigVgan:
    """From mel to samples; computes what the package's BigVGAN computes, to within rounding.

    ``network`` is the package's, with torch activations and without weight norm. Its convolutions
    run as they are; its activations run as ``snake.AntiAliasedSnake``; sums are made in place.
    """

    def __init__(self, *, network: Any) -> None:
        if network.h.resblock != "1":
            raise ModelUnavailable("config.json describes another vocoder: resblock")
        self._network = network
        self._stages = [
            (up, [_Block(block) for block in blocks]) for up, blocks in _stages_of(network)
        ]
        self._last_snake = AntiAliasedSnake(network.activation_post)

    def __call__(self, mels: Tensor) -> Tensor:
        """Samples (B, 1, 256 t) of ``mels`` (B, 80, t), in the network's number type."""
        state: Tensor = self._network.conv_pre(mels)
        for up, (first, *others) in self._stages:
            entered = up(state)
            state = first(entered)
            for block in others:
                state += block(entered)
            state /= 1 + len(others)
        wave: Tensor = self._network.conv_post(self._last_snake(state))
        return wave.tanh_() if self._network.use_tanh_at_final else wave.clamp_(-1.0, 1.0)


class _Block:
    """The package's ``AMPBlock1``: pairs of activation and convolution around a sum."""

    def __init__(self, block: Any) -> None:
        snakes = [AntiAliasedSnake(activation) for activation in block.activations]
        self._layers = list(zip(snakes[::2], block.convs1, snakes[1::2], block.convs2, strict=True))

    def __call__(self, state: Tensor) -> Tensor:
        for first_snake, dilated, second_snake, plain in self._layers:
            said: Tensor = plain(second_snake(dilated(first_snake(state))))
            said += state
            state = said
        return state


def hop_of(network: Any) -> int:
    """How many samples the package's network makes of a frame."""
    return math.prod(up.stride[0] for up, _ in _stages_of(network))


def reach_of(network: Any) -> int:
    """How many frames on each side a sample feels: a bound, summed over the network's layers."""
    reach, rate = float(reach_of_layer(network.conv_pre)), 1
    for up, blocks in _stages_of(network):
        reach += up.kernel_size[0] / up.stride[0] / rate
        rate *= up.stride[0]
        reach += max(_block_reach(block) for block in blocks) / rate
    return math.ceil(reach + (SNAKE_REACH + reach_of_layer(network.conv_post)) / rate)


def _stages_of(network: Any) -> list[tuple[Any, list[Any]]]:
    """Each layer that raises the rate, with the blocks that follow it side by side."""
    kernels, blocks = int(network.num_kernels), list(network.resblocks)
    return [
        (up, blocks[stage * kernels : (stage + 1) * kernels])
        for stage, (up,) in enumerate(network.ups)
    ]


def _block_reach(block: Any) -> int:
    layers = [layer for layer in block.modules() if isinstance(layer, nn.Conv1d)]
    return sum(reach_of_layer(layer) + SNAKE_REACH for layer in layers)
