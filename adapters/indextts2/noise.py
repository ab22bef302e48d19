"""Random numbers that depend on what they are for, and on nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class SegmentKey:
    """Which stretch of a request is spoken: its chunk, and its place within the chunk."""

    chunk: int
    segment: int


class Noise(Protocol):
    """The chance in one request."""

    def choose(
        self, keys: Sequence[SegmentKey], probabilities: Tensor, count: int, *, step: int
    ) -> Tensor:
        """Draw ``count`` of the columns for each row, without replacement: (rows, count), int64.

        Row i of ``probabilities`` (rows, columns) belongs to segment ``keys[i]`` at decoding step
        ``step``. The first draw stands first.
        """

    def flow_start(self, key: SegmentKey, *, channels: int, frames: int) -> Tensor:
        """Normal noise (1, channels, frames), where the mel decoder of the segment starts."""

    def pick(self, count: int, *, index: int) -> int:
        """A number from 0 to ``count`` - 1, all equally likely: the request's ``index``-th pick."""


_GOLDEN_STEP = 0x9E3779B97F4A7C15
_FIRST_MULTIPLIER, _SECOND_MULTIPLIER = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_ALL = (1 << 64) - 1
_FLOW_STEP, _PICK_CHUNK = (1 << 40), -1
_FRACTION_BITS = 23


class KeyedNoise:
    """Counter-based noise: each number is a hash of (seed, chunk, segment, step, index).

    So a segment draws the same alone, in any batch and in any row, whatever else runs, and on
    every device alike. The hash is SplitMix64's finaliser (Steele, Lea and Flood, 2014).
    """

    def __init__(self, seed: int, *, device: torch.device) -> None:
        self._seed = seed
        self._device = device

    def choose(
        self, keys: Sequence[SegmentKey], probabilities: Tensor, count: int, *, step: int
    ) -> Tensor:
        uniform = torch.stack(
            [self._uniform(key, step, probabilities.shape[1]) for key in keys]
        ).to(probabilities.device)
        # The largest p / Exponential(1) are draws without replacement (Efraimidis, Spirakis, 2006).
        return (probabilities / -uniform.log()).topk(count, dim=1).indices

    def flow_start(self, key: SegmentKey, *, channels: int, frames: int) -> Tensor:
        radius, angle = self._uniform(key, _FLOW_STEP, 2 * channels * frames).chunk(2)
        normal = torch.sqrt(-2 * radius.log()) * torch.cos(2 * torch.pi * angle)
        return normal.reshape(1, channels, frames)

    def pick(self, count: int, *, index: int) -> int:
        return _mixed(self._key(SegmentKey(_PICK_CHUNK, 0), index)) % count

    def _key(self, key: SegmentKey, step: int) -> int:
        mixed = self._seed
        for part in (key.chunk, key.segment, step):
            mixed = _mixed((mixed + _GOLDEN_STEP * (part + 2)) & _ALL)
        return mixed

    def _uniform(self, key: SegmentKey, step: int, count: int) -> Tensor:
        """(count,), float32, between 0 and 1, both excluded."""
        counter = torch.arange(1, count + 1, dtype=torch.int64, device=self._device)
        bits = counter * _signed(_GOLDEN_STEP) + _signed(self._key(key, step))
        bits = (bits ^ _shifted(bits, 30)) * _signed(_FIRST_MULTIPLIER)
        bits = (bits ^ _shifted(bits, 27)) * _signed(_SECOND_MULTIPLIER)
        fraction = _shifted(bits ^ _shifted(bits, 31), 64 - _FRACTION_BITS)
        return (fraction.float() + 0.5) / (1 << _FRACTION_BITS)


def _mixed(value: int) -> int:
    value = ((value ^ (value >> 30)) * _FIRST_MULTIPLIER) & _ALL
    value = ((value ^ (value >> 27)) * _SECOND_MULTIPLIER) & _ALL
    return value ^ (value >> 31)


def _signed(value: int) -> int:
    """The same 64 bits, as torch's int64 holds them."""
    return value - (1 << 64) if value >> 63 else value


def _shifted(bits: Tensor, places: int) -> Tensor:
    """Shift right and fill with zeros, where torch would fill with the sign."""
    return (bits >> places) & ((1 << (64 - places)) - 1)
