"""How the weights come: bytes so far, bytes a second, seconds that the rest takes."""

from collections.abc import Callable

from application.ports.weights import WeightBytes, WeightProgress, WeightStep

TELL_SECONDS = 15.0
"""Seconds between two lines: few for a log, and often enough for a person who waits."""

Tell = Callable[[str, str], None]
"""Called with a step of the start and what became of it, for the operator; it never raises."""

Expect = Callable[[float], None]
"""Called with the seconds that the weights will still take."""

_MOVING = (WeightStep.FETCHING, WeightStep.COPYING)


class WeightArrival:
    """Adds up the progress of all files and tells of it now and then (a ``WeightWatcher``).

    One thread reports progress; any thread may read ``so_far``.

    Args:
        tell: Gets the lines.
        expect: Gets each estimate of the time that is left.
        clock: Returns seconds.
    """

    def __init__(self, *, tell: Tell, expect: Expect, clock: Callable[[], float]) -> None:
        self._tell = tell
        self._expect = expect
        self._clock = clock
        self._done: dict[str, int] = {}
        self._total_bytes = 0
        self._began_at: float | None = None
        self._bytes_at_begin = 0
        self._told_at = 0.0
        self.so_far = WeightBytes()

    def __call__(self, progress: WeightProgress) -> None:
        """Take note of ``progress``."""
        if progress.step is WeightStep.WAITING:
            self._tell("weights", "another worker fetches into the same folder: waiting for it")
        elif progress.step is WeightStep.PLANNED:
            self._total_bytes += progress.total_bytes
            self._add(progress)
        elif progress.step in _MOVING:
            self._begin()
            self._add(progress)
            if self._clock() - self._told_at >= TELL_SECONDS:
                self._tell_progress()

    def _add(self, progress: WeightProgress) -> None:
        done_bytes = self.so_far.done - self._done.get(progress.name, 0) + progress.done_bytes
        self._done[progress.name] = progress.done_bytes
        self.so_far = WeightBytes(done_bytes, self._total_bytes)

    def _begin(self) -> None:
        if self._began_at is not None:
            return
        self._began_at = self._told_at = self._clock()
        self._bytes_at_begin = self.so_far.done
        self._tell("weights", f"fetching: {self._amounts()}")

    def _tell_progress(self) -> None:
        self._told_at = self._clock()
        rate = (self.so_far.done - self._bytes_at_begin) / (self._told_at - (self._began_at or 0.0))
        if rate <= 0:
            self._tell("weights", f"fetching: {self._amounts()}, and nothing more is coming")
            return
        left_seconds = (self.so_far.total - self.so_far.done) / rate
        self._tell(
            "weights",
            f"fetching: {self._amounts()}, {megabytes(rate)}/s, about {left_seconds:,.0f} s left",
        )
        self._expect(left_seconds)

    def _amounts(self) -> str:
        return f"{megabytes(self.so_far.done)} of {megabytes(self.so_far.total)} are here"


def megabytes(count: float) -> str:
    """Return a number of bytes for a person."""
    return f"{count / 1e6:,.1f} MB"
