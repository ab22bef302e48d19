"""The vocoder's activation: a snake at twice the rate, between two filters."""

from typing import Any

import torch
from torch import Tensor

SNAKE_REACH = 6
"""Samples on each side that the activation feels: twelve taps up, twelve down."""

_BLOCK, _HALO = 32, 5
_WINDOW, _WIDE = _BLOCK + 2 * _HALO, 2 * (_BLOCK + _HALO)
"""A block of samples, with what it feels beside it; and the same at twice the rate."""
_CPU_SAMPLES = 1 << 18
"""Worked on at once, so that a CPU's cache still holds them at the next pass."""


class AntiAliasedSnake:
    """What the package's ``Activation1d`` computes, to within rounding, as two matrix products.

    ``activation`` is that module, with its weights. The filters are linear and the same for all
    channels, so a block of samples goes up to twice the rate by one fixed matrix, each sample y
    becomes y + sin²(a y) / b, and a second matrix brings the block down. Past the ends the first
    and the last sample go on, at both rates. Where the module is of half precision, the products
    are, too, and phases and sines are float32.
    """

    def __init__(self, activation: Any) -> None:
        up, down = activation.upsample.filter[0, 0], activation.downsample.lowpass.filter[0, 0]
        self._up = (2 * _banded(up, _WINDOW, offset=2 * _HALO)).T.contiguous()
        self._down = _banded(down, _BLOCK, offset=0)
        snake = activation.act
        speed, depth = snake.alpha.float(), getattr(snake, "beta", snake.alpha).float()
        if snake.alpha_logscale:
            speed, depth = speed.exp(), depth.exp()
        self._speed = speed[:, None, None]
        self._depth = (1.0 / (depth + snake.no_div_by_zero))[:, None, None]

    def __call__(self, samples: Tensor) -> Tensor:
        """``samples`` (B, C, T) with the activation applied, in their own number type."""
        rows, channels, length = samples.shape
        at_once = max(1, _CPU_SAMPLES // (rows * length))
        if samples.device.type != "cpu" or at_once >= channels:
            return self._applied(samples, slice(None))
        done = torch.empty_like(samples)
        for first in range(0, channels, at_once):
            some = slice(first, first + at_once)
            done[:, some] = self._applied(samples[:, some], some)
        return done

    def _applied(self, samples: Tensor, channels: slice) -> Tensor:
        length = samples.shape[2]
        wide = _windows(samples) @ self._up
        _extend_ends(wide, length)
        # A cosine of the double angle would save a pass and lose quiet samples in half precision.
        sines = (wide * self._speed[channels]).sin_()
        wide.addcmul_(sines.mul_(sines), self._depth[channels])
        return (wide @ self._down).flatten(2)[:, :, :length]


def _banded(taps: Tensor, narrow: int, *, offset: int) -> Tensor:
    """The matrix (``_WIDE``, ``narrow``) with tap w - 2 n + offset at (w, n)."""
    wide = torch.arange(_WIDE, device=taps.device)[:, None]
    tap = wide - 2 * torch.arange(narrow, device=taps.device) + offset
    inside = (tap >= 0) & (tap < len(taps))
    return taps[tap.clamp(0, len(taps) - 1)] * inside


def _windows(samples: Tensor) -> Tensor:
    """Overlapping windows (B, C, blocks, ``_WINDOW``); the end samples go on past the ends."""
    rows, channels, length = samples.shape
    blocks = -(-length // _BLOCK)
    # Four copies: padding with replication takes several times as long on a CPU.
    padded = samples.new_empty(rows, channels, blocks * _BLOCK + 2 * _HALO)
    padded[:, :, :_HALO] = samples[:, :, :1]
    padded[:, :, _HALO : _HALO + length] = samples
    padded[:, :, _HALO + length :] = samples[:, :, -1:]
    # One contiguous matrix: of a view, the product would be taken channel by channel.
    return padded.unfold(2, _WINDOW, _BLOCK).contiguous()


def _extend_ends(wide: Tensor, length: int) -> None:
    """Let the first and the last of 2 · ``length`` samples go on past the ends, in place.

    The filter going up made something else of them, and the package pads anew before going down.
    """
    wide[:, :, 0, :_HALO] = wide[:, :, 0, _HALO : _HALO + 1]
    blocks = wide.shape[2]
    for block in range(max(0, blocks - 2), blocks):
        end = _HALO + 2 * (length - block * _BLOCK)
        wide[:, :, block, end:] = wide[:, :, block, min(end, _WIDE) - 1 :][:, :, :1]
