"""The vocoder's activation: a snake at twice the sample rate, between two low-pass filters."""

from typing import Any

import torch
from torch import Tensor

SNAKE_RECEPTIVE_FIELD = 6
"""In samples on each side: a bound for twelve taps at twice the rate, up and down again."""

_BLOCK, _CONTEXT = 32, 5
_WINDOW, _UPSAMPLED = _BLOCK + 2 * _CONTEXT, 2 * (_BLOCK + _CONTEXT)
"""Samples that one matrix product computes, with the context that they depend on on each side;
and the samples at twice the rate between the two filters."""
_CPU_SAMPLES = 1 << 18
"""Samples that a CPU takes at once (1 MB), so that they stay in its cache between the passes."""


class AntiAliasedSnake:
    """Upstream's ``Activation1d``, to within rounding, as two matrix products.

    The filters are linear and the same for all channels, so one fixed matrix brings a block of
    samples to twice the rate. Each sample y becomes y + sin²(α y) / β, and a second matrix brings
    the block back. Beyond the ends, the first and the last sample are repeated, at both rates.

    Of a module in half precision the products are in half precision too; phases and sines are
    float32. Source: ``alias_free_activation/torch`` and ``activations.py`` in upstream's BigVGAN
    (Lee et al., 2023; snake: Liu et al., 2020).
    """

    def __init__(self, activation: Any) -> None:
        """Derive the matrices from ``activation``, upstream's module with its weights."""
        # Each filter has the taps (1, 1, 12).
        up, down = activation.upsample.filter[0, 0], activation.downsample.lowpass.filter[0, 0]
        up_matrix = 2 * _banded(up, _WINDOW, offset=2 * _CONTEXT)
        self._up = up_matrix.T.contiguous()  # (window, upsampled)
        self._down = _banded(down, _BLOCK, offset=0)  # (upsampled, block)
        snake = activation.act
        alpha, beta = snake.alpha.float(), getattr(snake, "beta", snake.alpha).float()
        if snake.alpha_logscale:
            alpha, beta = alpha.exp(), beta.exp()
        self._alpha = alpha[:, None, None]  # (channels, 1, 1)
        self._inverse_beta = (1.0 / (beta + snake.no_div_by_zero))[:, None, None]  # same shape

    def __call__(self, samples: Tensor) -> Tensor:
        """Apply the activation to ``samples`` (rows, channels, length); shape and dtype stay."""
        rows, channels, length = samples.shape
        at_once = max(1, _CPU_SAMPLES // (rows * length))
        if samples.device.type != "cpu" or at_once >= channels:
            return self._apply(samples, slice(None))
        result = torch.empty_like(samples)
        for first in range(0, channels, at_once):
            some = slice(first, first + at_once)
            result[:, some] = self._apply(samples[:, some], some)
        return result

    def _apply(self, samples: Tensor, channels: slice) -> Tensor:
        """Apply the activation of ``channels`` to ``samples`` (rows, those channels, length)."""
        length = samples.shape[2]
        upsampled = _windows(samples) @ self._up  # (rows, channels, blocks, upsampled)
        _repeat_ends(upsampled, length)
        # A cosine of the double angle would save a pass and lose quiet samples in half precision.
        sines = (upsampled * self._alpha[channels]).sin_()
        upsampled.addcmul_(sines.mul_(sines), self._inverse_beta[channels])
        return (upsampled @ self._down).flatten(2)[:, :, :length]


def _banded(taps: Tensor, columns: int, *, offset: int) -> Tensor:
    """Return the matrix of a filter between the two rates.

    Args:
        taps: (12,), the filter.
        columns: Samples at the lower rate.
        offset: The tap at row 0 and column 0.

    Returns:
        (``_UPSAMPLED``, ``columns``), with tap row - 2 · column + ``offset`` at (row, column).
    """
    rows = torch.arange(_UPSAMPLED, device=taps.device)[:, None]
    tap = rows - 2 * torch.arange(columns, device=taps.device) + offset
    is_inside = (tap >= 0) & (tap < len(taps))
    return taps[tap.clamp(0, len(taps) - 1)] * is_inside


def _windows(samples: Tensor) -> Tensor:
    """Cut ``samples`` (rows, channels, length) into overlapping windows, with the ends repeated.

    Returns:
        (rows, channels, blocks, ``_WINDOW``), contiguous.
    """
    rows, channels, length = samples.shape
    blocks = -(-length // _BLOCK)
    # Four copies: padding with replication takes several times as long on a CPU.
    padded = samples.new_empty(rows, channels, blocks * _BLOCK + 2 * _CONTEXT)
    padded[:, :, :_CONTEXT] = samples[:, :, :1]
    padded[:, :, _CONTEXT : _CONTEXT + length] = samples
    padded[:, :, _CONTEXT + length :] = samples[:, :, -1:]
    # One contiguous matrix: of a view, the product would be computed channel by channel.
    return padded.unfold(2, _WINDOW, _BLOCK).contiguous()


def _repeat_ends(upsampled: Tensor, length: int) -> None:
    """Repeat the first and the last of 2 · ``length`` samples beyond the ends, in place.

    The first filter computed other values there, and upstream pads anew before the second.

    Args:
        upsampled: (rows, channels, blocks, ``_UPSAMPLED``).
        length: Samples at the lower rate.
    """
    upsampled[:, :, 0, :_CONTEXT] = upsampled[:, :, 0, _CONTEXT : _CONTEXT + 1]
    blocks = upsampled.shape[2]
    for block in range(max(0, blocks - 2), blocks):
        end = _CONTEXT + 2 * (length - block * _BLOCK)
        upsampled[:, :, block, end:] = upsampled[:, :, block, min(end, _UPSAMPLED) - 1 :][:, :, :1]
