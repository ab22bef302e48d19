"""Which overlapping windows of a spectrogram are made audible, one by one."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """The frames ``start`` to ``stop`` are heard; of them ``first`` to ``last`` are kept.

    What is kept lies ``reach`` frames or more from each end of the window that is not an end of
    the spectrogram. What all windows of a spectrogram keep is each frame once, in order.
    """

    start: int
    stop: int
    first: int
    last: int


def even_windows(frames: int, *, length: int, reach: int) -> Iterator[Window]:
    """Windows of ``length``, or one that is shorter; the last moves back until it fits.

    ``length`` is more than twice ``reach``.
    """
    length, kept = min(frames, length), 0
    while kept < frames:
        start = min(max(0, kept - reach), frames - length)
        window = _window(start, start + length, kept, frames, reach)
        yield window
        kept = window.last


def growing_windows(
    frames: int, *, first: int, shortest: int, longest: int, reach: int
) -> Iterator[Window]:
    """Windows from ``shortest`` on, each twice as long as the one before, at most ``longest``.

    They keep the frames from ``first`` on. The last takes in what is left, if that is no more than
    ``reach``. ``shortest`` is more than twice ``reach``.
    """
    length, kept = shortest, first
    while kept < frames:
        start = max(0, kept - reach)
        stop = start + length if start + length + reach < frames else frames
        window = _window(start, stop, kept, frames, reach)
        yield window
        kept, length = window.last, min(2 * length, longest)


def _window(start: int, stop: int, kept: int, frames: int, reach: int) -> Window:
    return Window(start, stop, kept, frames if stop == frames else stop - reach)
