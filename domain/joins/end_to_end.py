"""The join without a pause or an overlap: each chunk begins where the previous one ends."""

from dataclasses import dataclass

import numpy as np

from domain.audio import Samples
from domain.joins.joiner import ChunkSpan
from domain.joins.ramp import rising_gain


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """Put chunks end to end."""


class EndToEndJoiner:
    """Keeps every sample, and fades each chunk at its inner edges so that no join clicks.

    A chunk shorter than two ramps has shorter ramps. The outer edges of the audio stay as spoken.

    Args:
        chunks: Number of chunks that will be closed.
        ramp: Samples of a fade.
    """

    _held: Samples  # (n,), samples of the current chunk that are not final yet
    _is_faded_in: bool
    _start: int

    def __init__(self, *, chunks: int, ramp: int) -> None:
        self._chunks_left = chunks
        self._ramp = max(ramp, 1)
        self._spans: list[ChunkSpan] = []
        self._emitted = 0
        self._begin_chunk()

    @property
    def spans(self) -> tuple[ChunkSpan, ...]:
        return tuple(self._spans)

    def push(self, samples: Samples) -> Samples:
        self._held = np.concatenate((self._held, samples))
        if not self._is_faded_in:
            if len(self._held) < 2 * self._ramp:
                return self._release(0)
            self._fade_in(self._ramp)
        held_back = 0 if self._is_last else self._ramp
        return self._release(len(self._held) - held_back)

    def end_chunk(self) -> Samples:
        ramp = self._ramp if self._is_faded_in else min(self._ramp, len(self._held) // 2)
        if not self._is_faded_in:
            self._fade_in(ramp)
        if not self._is_last:
            self._held[len(self._held) - ramp :] *= rising_gain(ramp)[::-1]
        final = self._release(len(self._held))
        self._spans.append(ChunkSpan(self._start, self._emitted))
        self._chunks_left -= 1
        self._begin_chunk()
        return final

    def _begin_chunk(self) -> None:
        self._held = np.zeros(0, dtype=np.float32)
        self._is_faded_in = False
        self._start = self._emitted

    def _fade_in(self, ramp: int) -> None:
        self._is_faded_in = True
        if self._start > 0:  # the first samples of all are an outer edge
            self._held[:ramp] *= rising_gain(ramp)

    def _release(self, count: int) -> Samples:
        released, self._held = self._held[:count], self._held[count:]
        self._emitted += count
        return released

    @property
    def _is_last(self) -> bool:
        return self._chunks_left == 1
