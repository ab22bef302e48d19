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


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a decoding step draws from: the columns of a wide table that are not left out.

    ``probabilities`` (rows, few) of the columns ``columns`` (rows, few), int64, no column twice;
    the table has ``width`` columns.
    """

    probabilities: Tensor
    columns: Tensor
    width: int


class Noise(Protocol):
    """The chance in one request."""

    def keys(self, segments: Sequence[SegmentKey]) -> Tensor:
        """What tells the rows of a batch apart, (rows,) int64 on the device, for ``choose``.

        A key holds the request and the segment, so rows of several requests may share a batch.
        """

    def choose(self, keys: Tensor, urn: Candidates, count: int, *, step: Tensor) -> Tensor:
        """Draw ``count`` places of ``urn`` for each row, without replacement: (rows, count), int64.

        Row i of the urn has the key ``keys[i]`` and all are at decoding step ``step`` (1,), int64.
        The first draw stands first. What is drawn of a column depends on its number, not on its
        place.
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

    def keys(self, segments: Sequence[SegmentKey]) -> Tensor:
        keys = [_signed(self._of_segment(segment)) for segment in segments]
        return torch.tensor(keys, device=self._device)

    def choose(self, keys: Tensor, urn: Candidates, count: int, *, step: Tensor) -> Tensor:
        seeds = _scrambled(keys + (step + 2) * _signed(_GOLDEN_STEP))
        uniform = _uniform(urn.columns + 1, seeds[:, None])
        # The largest p / Exponential(1) are draws without replacement (Efraimidis, Spirakis, 2006).
        return (urn.probabilities / -uniform.log()).topk(count, dim=1).indices

    def flow_start(self, key: SegmentKey, *, channels: int, frames: int) -> Tensor:
        counter = torch.arange(1, 2 * channels * frames + 1, device=self._device)
        radius, angle = _uniform(counter, _signed(self._key(key, _FLOW_STEP))).chunk(2)
        normal = torch.sqrt(-2 * radius.log()) * torch.cos(2 * torch.pi * angle)
        return normal.reshape(1, channels, frames)

    def pick(self, count: int, *, index: int) -> int:
        return _mixed(self._key(SegmentKey(_PICK_CHUNK, 0), index)) % count

    def _key(self, key: SegmentKey, step: int) -> int:
        return _stepped(self._of_segment(key), step)

    def _of_segment(self, key: SegmentKey) -> int:
        return _stepped(_stepped(self._seed, key.chunk), key.segment)


def _uniform(counter: Tensor, seed: Tensor | int) -> Tensor:
    """For each ``counter``, int64, a number between 0 and 1, both excluded, float32."""
    bits = _scrambled(counter * _signed(_GOLDEN_STEP) + seed)
    fraction = _shifted(bits, 64 - _FRACTION_BITS)
    return (fraction.float() + 0.5) / (1 << _FRACTION_BITS)


def _scrambled(bits: Tensor) -> Tensor:
    """What ``_mixed`` makes of each of ``bits``, int64, where the device has them."""
    bits = (bits ^ _shifted(bits, 30)) * _signed(_FIRST_MULTIPLIER)
    bits = (bits ^ _shifted(bits, 27)) * _signed(_SECOND_MULTIPLIER)
    return bits ^ _shifted(bits, 31)


def _stepped(mixed: int, part: int) -> int:
    return _mixed((mixed + _GOLDEN_STEP * (part + 2)) & _ALL)


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
