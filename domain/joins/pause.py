"""The join that puts a pause of exact length between the audible parts of two chunks."""

import math
from dataclasses import dataclass

import numpy as np

from domain.audio import Samples, audible_span
from domain.joins.joiner import ChunkSpan
from domain.joins.ramp import rising_gain


@dataclass(frozen=True, slots=True)
class Pause:
    """Put ``ms`` milliseconds of silence between neighbouring chunks.

    Raises:
        ValueError: ``ms`` is not a finite number above zero.
    """

    ms: float

    def __post_init__(self) -> None:
        if not 0 < self.ms < math.inf:
            raise ValueError("a pause must last a finite number of milliseconds above zero")


class PauseJoiner:
    """Cuts the silence at inner edges and puts ``pause`` samples between the audible parts.

    Next to an audible edge the joiner keeps up to a ramp's length of the chunk's own quiet samples
    as part of the pause. The ramp falls on these and leaves the speech alone. Where a chunk has no
    quiet samples, the ramp fades the speech itself. The outer edges of the audio stay as spoken. A
    chunk without an audible sample is silence: between others it adds nothing to their pause.

    Args:
        chunks: Number of chunks that will be closed.
        pause: Samples between the last audible one of a chunk and the first audible one of the
            next.
        ramp: Samples of a fade.
    """

    _held: Samples  # (n,), samples of the current chunk that are not final yet
    _is_audible: bool
    """Whether the current chunk has had an audible sample."""
    _is_faded_in: bool
    _start: int

    def __init__(self, *, chunks: int, pause: int, ramp: int) -> None:
        self._chunks_left = chunks
        self._pause = pause
        self._ramp = max(ramp, 1)
        self._margin = min(self._ramp, pause // 2)
        self._spans: list[ChunkSpan] = []
        self._emitted = 0
        self._pause_left: int | None = None  # samples of it to come; None before any speech
        self._begin_chunk()

    @property
    def spans(self) -> tuple[ChunkSpan, ...]:
        return tuple(self._spans)

    def push(self, samples: Samples) -> Samples:
        self._held = np.concatenate((self._held, samples))
        if self._is_audible:
            return self._emit(self._take_final())
        audible = audible_span(self._held)
        if audible is None:
            return self._emit(self._take_leading_silence())
        gap = self._enter(audible.start)
        return self._emit(np.concatenate((gap, self._take_final())))

    def end_chunk(self) -> Samples:
        final = self._emit(self._take_rest()) if self._is_audible else _NO_SAMPLES
        self._spans.append(ChunkSpan(self._start, self._emitted))
        self._chunks_left -= 1
        self._begin_chunk()
        return final

    def _begin_chunk(self) -> None:
        self._held = _NO_SAMPLES
        self._is_audible = False
        self._is_faded_in = False
        self._start = self._emitted

    def _emit(self, samples: Samples) -> Samples:
        self._emitted += len(samples)
        return samples

    def _take_leading_silence(self) -> Samples:
        """Return the silence before all speech; of other silence keep the margin only."""
        if self._pause_left is None:
            silence, self._held = self._held, _NO_SAMPLES
            return silence
        self._held = self._held[len(self._held) - min(self._margin, len(self._held)) :]
        return _NO_SAMPLES

    def _enter(self, first_audible: int) -> Samples:
        """Cut the silence before the chunk's speech and return what replaces it: shape (n,)."""
        self._is_audible = True
        if self._pause_left is None:
            leading, self._held = np.split(self._held, [first_audible])
            return leading
        kept = min(self._margin, first_audible)
        self._held = self._held[first_audible - kept :]
        gap = np.zeros(self._pause_left - kept, dtype=np.float32)
        self._start = self._emitted + len(gap)
        return gap

    def _take_final(self) -> Samples:
        """Return the samples that neither the closing ramp nor the closing silence can change."""
        end = self._audible_end()
        if not self._is_faded_in:
            if end < 2 * self._ramp:
                return _NO_SAMPLES
            self._fade_in(self._ramp)
        count = len(self._held) if self._is_last else max(end - self._ramp, 0)
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def _take_rest(self) -> Samples:
        end = self._audible_end()
        kept = len(self._held) if self._is_last else min(len(self._held), end + self._margin)
        ramp = self._ramp if self._is_faded_in else min(self._ramp, kept // 2)
        if not self._is_faded_in:
            self._fade_in(ramp)
        rest = self._held[:kept]
        if not self._is_last:
            rest[kept - ramp :] *= rising_gain(ramp)[::-1]
        self._pause_left = self._pause - (kept - end)
        return rest

    def _fade_in(self, ramp: int) -> None:
        self._is_faded_in = True
        if self._pause_left is not None:  # the first speech of all has an outer edge
            self._held[:ramp] *= rising_gain(ramp)

    def _audible_end(self) -> int:
        audible = audible_span(self._held)
        return audible.end if audible else 0

    @property
    def _is_last(self) -> bool:
        return self._chunks_left == 1


_NO_SAMPLES: Samples = np.zeros(0, dtype=np.float32)
