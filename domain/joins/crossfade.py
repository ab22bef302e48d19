"""The join that blends the end of one chunk into the beginning of the next."""

import math
from dataclasses import dataclass

import numpy as np

from domain.audio import Samples
from domain.joins.joiner import ChunkSpan
from domain.joins.ramp import rising_gain


@dataclass(frozen=True, slots=True)
class Crossfade:
    """Overlap neighbouring chunks by ``ms`` milliseconds.

    Raises:
        ValueError: ``ms`` is not a finite number above zero.
    """

    ms: float

    def __post_init__(self) -> None:
        if not 0 < self.ms < math.inf:
            raise ValueError("a crossfade must last a finite number of milliseconds above zero")


class CrossfadeJoiner:
    """Overlaps neighbours by ``overlap`` samples, or by the length of the shorter one.

    The later chunk fades in while everything before it fades out. The two gains sum to one at
    every sample, so no join is louder than its parts, even where a chunk is shorter than its two
    overlaps together.

    Args:
        chunks: Number of chunks that will be closed.
        overlap: Samples that neighbours share.
    """

    _head: Samples  # (n,), beginning of the current chunk until its overlap is complete
    _length: int
    _is_blended: bool
    _start: int

    def __init__(self, *, chunks: int, overlap: int) -> None:
        self._chunks_left = chunks
        self._overlap = overlap
        self._spans: list[ChunkSpan] = []
        self._emitted = 0
        self._tail = _NO_SAMPLES  # (n,), joined samples that a later chunk may still blend into
        self._previous_length = 0
        self._begin_chunk()

    @property
    def spans(self) -> tuple[ChunkSpan, ...]:
        return tuple(self._spans)

    def push(self, samples: Samples) -> Samples:
        self._length += len(samples)
        if self._is_blended:
            self._tail = np.concatenate((self._tail, samples))
            return self._release(self._overlap)
        self._head = np.concatenate((self._head, samples))
        if len(self._head) < self._overlap_with_previous():
            return _NO_SAMPLES
        self._blend(self._overlap_with_previous())
        return self._release(self._overlap)

    def end_chunk(self) -> Samples:
        if not self._is_blended:
            self._blend(len(self._head))
        final = self._release(min(self._overlap, self._length or self._overlap))
        self._spans.append(ChunkSpan(self._start, self._emitted + len(self._tail)))
        self._previous_length = self._length or self._previous_length
        self._chunks_left -= 1
        self._begin_chunk()
        return final

    def _begin_chunk(self) -> None:
        self._head = _NO_SAMPLES
        self._length = 0
        self._is_blended = False
        self._start = self._emitted + len(self._tail)

    def _overlap_with_previous(self) -> int:
        return min(self._overlap, self._previous_length)

    def _blend(self, overlap: int) -> None:
        """Blend the first ``overlap`` samples of the head into the last ones of the tail."""
        self._is_blended = True
        self._start -= overlap
        before, fading_out = np.split(self._tail, [len(self._tail) - overlap])
        fading_in, after = np.split(self._head, [overlap])
        rise = rising_gain(overlap)
        blended = fading_out * (1 - rise) + fading_in * rise
        self._tail = np.concatenate((before, blended, after))

    def _release(self, held_back: int) -> Samples:
        """Return the tail without its last ``held_back`` samples; all of it at the last chunk."""
        if self._chunks_left == 1:
            held_back = 0
        count = max(len(self._tail) - held_back, 0)
        released, self._tail = self._tail[:count], self._tail[count:]
        self._emitted += count
        return released


_NO_SAMPLES: Samples = np.zeros(0, dtype=np.float32)
