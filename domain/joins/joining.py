"""Joining the audio of chunks so that no seam is heard, while it is still arriving.

A joiner is told the chunks' samples in order, in parts of any length, and answers with the
samples that no later part can change. What it holds back is bounded by the join: the overlap of a
crossfade, or the silence at a chunk's end that may turn out to be the pause.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from domain.audio import AUDIBLE_AMPLITUDE, Samples, audible_span, samples_in

RAMP_MS = 8.0
"""Length of the fade at an edge that meets silence: short enough for any consonant, no click."""


@dataclass(frozen=True, slots=True)
class JoinPlan:
    """What lies between neighbours: ``pause_ms`` of silence, else a blend of ``crossfade_ms``.

    With both at zero chunks are put end to end.
    """

    pause_ms: float
    crossfade_ms: float

    def __post_init__(self) -> None:
        if self.pause_ms < 0 or self.crossfade_ms < 0:
            raise ValueError("a pause and a crossfade last zero milliseconds or more")


@dataclass(frozen=True, slots=True)
class ChunkSpan:
    """Where a chunk is heard in the joined audio, in samples, ``end`` exclusive."""

    start: int
    end: int


class Joiner(Protocol):
    """Chunks in, samples that are final out; every array is float32 of shape (n,)."""

    def push(self, samples: Samples) -> Samples:
        """Take the next part of the current chunk; answer what has become final."""

    def end_chunk(self) -> Samples:
        """Close the current chunk; answer what has become final, everything after the last."""

    @property
    def spans(self) -> tuple[ChunkSpan, ...]:
        """Of the chunks closed so far. Neighbours that are crossfaded overlap."""


def joiner(plan: JoinPlan, *, chunks: int, sample_rate_hz: int) -> Joiner:
    """A joiner for ``chunks`` chunks of audio at ``sample_rate_hz``."""
    if plan.pause_ms > 0:
        return _SilentJoiner(
            chunks=chunks,
            pause=samples_in(plan.pause_ms, sample_rate_hz),
            ramp=samples_in(RAMP_MS, sample_rate_hz),
            threshold=AUDIBLE_AMPLITUDE,
        )
    if plan.crossfade_ms > 0:
        return _CrossfadeJoiner(
            chunks=chunks, overlap=samples_in(plan.crossfade_ms, sample_rate_hz)
        )
    return _SilentJoiner(
        chunks=chunks, pause=0, ramp=samples_in(RAMP_MS, sample_rate_hz), threshold=0.0
    )


def rising_gain(length: int) -> Samples:
    """A raised cosine from 0 to 1 over ``length`` samples; with its mirror it sums to one."""
    phase = (np.arange(length, dtype=np.float64) + 0.5) / max(length, 1)
    return (0.5 - 0.5 * np.cos(np.pi * phase)).astype(np.float32)


class _SilentJoiner:
    """Cuts the silence at inner edges and puts exactly ``pause`` samples between what is audible.

    Next to an audible edge up to a ramp's length of the chunk's own quiet is kept, inside the
    pause, so that the ramp falls on the quiet and leaves the speech alone; where the chunk has no
    such quiet the ramp bends the speech itself. The outer edges of the whole stay as spoken. A
    chunk without an audible sample is silence: between others it adds nothing to their pause.

    With ``threshold`` 0 every sample is audible, and the joiner puts chunks end to end.
    """

    _held: Samples
    _is_inside: bool
    """An audible sample of this chunk has come."""
    _is_open: bool
    """The ramp at the chunk's start is done."""
    _start: int

    def __init__(self, *, chunks: int, pause: int, ramp: int, threshold: float) -> None:
        self._chunks_left = chunks
        self._pause = pause
        self._ramp = max(ramp, 1)
        self._margin = min(self._ramp, pause // 2)
        self._threshold = threshold
        self._spans: list[ChunkSpan] = []
        self._emitted = 0
        self._owed: int | None = None  # silence before the next audible sample; None before any
        self._begin_chunk()

    @property
    def spans(self) -> tuple[ChunkSpan, ...]:
        return tuple(self._spans)

    def push(self, samples: Samples) -> Samples:
        self._held = np.concatenate((self._held, samples))
        if self._is_inside:
            return self._emit(self._take_settled())
        heard = audible_span(self._held, threshold=self._threshold)
        if heard is None:
            return self._emit(self._take_leading_silence())
        gap = self._enter(heard.start)
        return self._emit(np.concatenate((gap, self._take_settled())))

    def end_chunk(self) -> Samples:
        final = self._emit(self._take_rest()) if self._is_inside else _EMPTY
        self._spans.append(ChunkSpan(self._start, self._emitted))
        self._chunks_left -= 1
        self._begin_chunk()
        return final

    def _begin_chunk(self) -> None:
        self._held = _EMPTY
        self._is_inside = False
        self._is_open = False
        self._start = self._emitted

    def _emit(self, samples: Samples) -> Samples:
        self._emitted += len(samples)
        return samples

    def _take_leading_silence(self) -> Samples:
        if self._owed is None:
            silence, self._held = self._held, _EMPTY
            return silence
        self._held = self._held[len(self._held) - min(self._margin, len(self._held)) :]
        return _EMPTY

    def _enter(self, first_audible: int) -> Samples:
        """Cut the silence before the chunk; answer what is heard in its place."""
        self._is_inside = True
        if self._owed is None:
            leading, self._held = np.split(self._held, [first_audible])
            return leading
        kept = min(self._margin, first_audible)
        self._held = self._held[first_audible - kept :]
        gap = np.zeros(self._owed - kept, dtype=np.float32)
        self._start = self._emitted + len(gap)
        return gap

    def _take_settled(self) -> Samples:
        """What neither the ramp at the chunk's end nor its closing silence can touch any more."""
        end = self._audible_end()
        if not self._is_open:
            if end < 2 * self._ramp:
                return _EMPTY
            self._open(self._ramp)
        settled = len(self._held) if self._is_last else max(end - self._ramp, 0)
        taken, self._held = self._held[:settled], self._held[settled:]
        return taken

    def _take_rest(self) -> Samples:
        end = self._audible_end()
        kept = len(self._held) if self._is_last else min(len(self._held), end + self._margin)
        ramp = self._ramp if self._is_open else min(self._ramp, kept // 2)
        if not self._is_open:
            self._open(ramp)
        rest = self._held[:kept]
        if not self._is_last:
            rest[kept - ramp :] *= rising_gain(ramp)[::-1]
        self._owed = self._pause - (kept - end)
        return rest

    def _open(self, ramp: int) -> None:
        self._is_open = True
        if self._owed is not None:
            self._held[:ramp] *= rising_gain(ramp)

    def _audible_end(self) -> int:
        heard = audible_span(self._held, threshold=self._threshold)
        return heard.end if heard else 0

    @property
    def _is_last(self) -> bool:
        return self._chunks_left == 1


class _CrossfadeJoiner:
    """Overlaps neighbours by ``overlap`` samples, or by what the shorter of the two has.

    The later chunk rises as everything before it falls, and the two gains sum to one at every
    sample, so no join is louder than its parts, not even where a chunk is shorter than its two
    overlaps together.
    """

    _head: Samples
    """Of this chunk, as long as its overlap with what came before is not complete."""
    _length: int
    _is_blended: bool
    _start: int

    def __init__(self, *, chunks: int, overlap: int) -> None:
        self._chunks_left = chunks
        self._overlap = overlap
        self._spans: list[ChunkSpan] = []
        self._emitted = 0
        self._tail = _EMPTY  # joined already, but a later chunk may still blend into it
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
        if len(self._head) < self._shared_with_previous():
            return _EMPTY
        self._blend(self._shared_with_previous())
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
        self._head = _EMPTY
        self._length = 0
        self._is_blended = False
        self._start = self._emitted + len(self._tail)

    def _shared_with_previous(self) -> int:
        return min(self._overlap, self._previous_length)

    def _blend(self, overlap: int) -> None:
        self._is_blended = True
        self._start -= overlap
        before, under = np.split(self._tail, [len(self._tail) - overlap])
        over, after = np.split(self._head, [overlap])
        rise = rising_gain(overlap)
        self._tail = np.concatenate((before, under * (1 - rise) + over * rise, after))

    def _release(self, held_back: int) -> Samples:
        if self._chunks_left == 1:
            held_back = 0
        final = max(len(self._tail) - held_back, 0)
        released, self._tail = self._tail[:final], self._tail[final:]
        self._emitted += final
        return released


_EMPTY: Samples = np.zeros(0, dtype=np.float32)
