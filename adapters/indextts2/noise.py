"""Random streams whose numbers depend only on the request, the segment and the step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class SegmentKey:
    """Index of a chunk within its request, and of a segment within that chunk."""

    chunk: int
    segment: int


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The columns of a table of probabilities that a decoding step samples from.

    The table has ``width`` columns, of which a row keeps a few, each at most once.
    """

    probabilities: Tensor  # (rows, kept)
    columns: Tensor  # (rows, kept), int64
    width: int


class Noise(Protocol):
    """The random stream of one request."""

    def keys(self, segments: Sequence[SegmentKey]) -> Tensor:
        """Return the keys (rows,), int64, of a batch for ``sample_without_replacement``.

        A key identifies the request and the segment, so that a batch may mix requests.
        """

    def sample_without_replacement(
        self, keys: Tensor, candidates: Candidates, count: int, *, step: Tensor
    ) -> Tensor:
        """Sample ``count`` candidates for each row, without replacement.

        A candidate's random number depends on its column in the table, not on its index among the
        candidates.

        Args:
            keys: (rows,), int64, from ``keys``.
            candidates: Those of each row.
            count: Draws for each row.
            step: (1,), int64: the decoding step that all rows are at.

        Returns:
            (rows, count), int64: indices along the second axis of ``candidates``, the first draw
            first.
        """

    def flow_start(self, key: SegmentKey, *, channels: int, frames: int) -> Tensor:
        """Return normal noise (1, channels, frames) from which flow matching starts."""

    def pick(self, count: int, *, index: int) -> int:
        """Return a number from 0 to ``count`` - 1, all equally likely.

        ``index`` distinguishes the picks of a request.
        """


_GOLDEN_GAMMA = 0x9E3779B97F4A7C15
_FIRST_MULTIPLIER, _SECOND_MULTIPLIER = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_MASK_64 = (1 << 64) - 1
_FLOW_STEP, _PICK_CHUNK = (1 << 40), -1
"""A step and a chunk that no segment has, for numbers that belong to no decoding step."""
_FRACTION_BITS = 23
"""Random bits of a uniform number. With more, adding a half could round up to 1 in float32."""


class KeyedNoise:
    """Counter-based random numbers: each is a hash of (seed, chunk, segment, step, index).

    A segment therefore gets the same numbers alone, in any batch and row, and on any device. The
    hash is the output function of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom
    Number Generators", OOPSLA 2014), with its increment, the golden gamma, between the parts.
    """

    def __init__(self, seed: int, *, device: torch.device) -> None:
        """Create the stream of ``seed`` (0 to 2**63 - 1), with its tensors on ``device``."""
        self._seed = seed
        self._device = device

    def keys(self, segments: Sequence[SegmentKey]) -> Tensor:
        keys = [_as_int64(self._segment_hash(segment)) for segment in segments]
        return torch.tensor(keys, device=self._device)

    def sample_without_replacement(
        self, keys: Tensor, candidates: Candidates, count: int, *, step: Tensor
    ) -> Tensor:
        seeds = _mix_tensor(keys + (step + 2) * _as_int64(_GOLDEN_GAMMA))
        uniform = _uniform(candidates.columns + 1, seeds[:, None])
        # An exponential race: the largest p / Exponential(1) are a weighted sample without
        # replacement (Efraimidis and Spirakis, Information Processing Letters 97, 2006).
        return (candidates.probabilities / -uniform.log()).topk(count, dim=1).indices

    def flow_start(self, key: SegmentKey, *, channels: int, frames: int) -> Tensor:
        counter = torch.arange(1, 2 * channels * frames + 1, device=self._device)
        radius, angle = _uniform(counter, _as_int64(self._step_hash(key, _FLOW_STEP))).chunk(2)
        # The Box-Muller transform (Box and Muller, 1958).
        normal = torch.sqrt(-2 * radius.log()) * torch.cos(2 * torch.pi * angle)
        return normal.reshape(1, channels, frames)

    def pick(self, count: int, *, index: int) -> int:
        return _mix(self._step_hash(SegmentKey(_PICK_CHUNK, 0), index)) % count

    def _step_hash(self, key: SegmentKey, step: int) -> int:
        return _append(self._segment_hash(key), step)

    def _segment_hash(self, key: SegmentKey) -> int:
        return _append(_append(self._seed, key.chunk), key.segment)


def _uniform(counter: Tensor, seed: Tensor | int) -> Tensor:
    """Return a float32 between 0 and 1, both excluded, for each ``counter``.

    ``counter`` and ``seed`` are int64, of shapes that broadcast to that of the result.
    """
    bits = _mix_tensor(counter * _as_int64(_GOLDEN_GAMMA) + seed)
    fraction = _logical_shift_right(bits, 64 - _FRACTION_BITS)
    return (fraction.float() + 0.5) / (1 << _FRACTION_BITS)


def _append(hashed: int, part: int) -> int:
    """Return the hash of what ``hashed`` is the hash of, followed by ``part``."""
    return _mix((hashed + _GOLDEN_GAMMA * (part + 2)) & _MASK_64)


def _mix(value: int) -> int:
    """Apply the output function of SplitMix64 to a 64-bit number."""
    value = ((value ^ (value >> 30)) * _FIRST_MULTIPLIER) & _MASK_64
    value = ((value ^ (value >> 27)) * _SECOND_MULTIPLIER) & _MASK_64
    return value ^ (value >> 31)


def _mix_tensor(bits: Tensor) -> Tensor:
    """Apply ``_mix`` to each element of ``bits``, int64 of any shape, on its device."""
    bits = (bits ^ _logical_shift_right(bits, 30)) * _as_int64(_FIRST_MULTIPLIER)
    bits = (bits ^ _logical_shift_right(bits, 27)) * _as_int64(_SECOND_MULTIPLIER)
    return bits ^ _logical_shift_right(bits, 31)


def _as_int64(value: int) -> int:
    """Return the signed number that has the same 64 bits as ``value``."""
    return value - (1 << 64) if value >> 63 else value


def _logical_shift_right(bits: Tensor, count: int) -> Tensor:
    """Shift int64 ``bits`` of any shape right and fill with zeros; torch fills with the sign."""
    return (bits >> count) & ((1 << (64 - count)) - 1)
