"""Overlapping windows of a mel spectrogram, which the vocoder turns into samples one by one.

``receptive_field`` is the vocoder's, in frames on each side: the samples of a frame that is nearer
to a cut end of a window are wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Frames ``start`` to ``stop`` go through the vocoder; ``first`` to ``last`` are kept.

    The kept frames are at least a receptive field away from each end of the window that is not an
    end of the spectrogram. Together, the windows of a spectrogram keep each frame once, in order.
    """

    start: int
    stop: int
    first: int
    last: int


def even_windows(frames: int, *, length: int, receptive_field: int) -> Iterator[Window]:
    """Yield windows of ``length`` frames, or one that is shorter and covers the spectrogram.

    The last window starts earlier than the overlap demands, so that it has ``length`` frames too.
    ``length`` is more than twice ``receptive_field``.
    """
    length, kept = min(frames, length), 0
    while kept < frames:
        start = min(max(0, kept - receptive_field), frames - length)
        window = _window(start, start + length, kept, frames, receptive_field)
        yield window
        kept = window.last


def growing_windows(
    frames: int, *, first: int, shortest: int, longest: int, receptive_field: int
) -> Iterator[Window]:
    """Yield windows that begin with ``shortest`` frames and double up to ``longest``.

    They keep the frames from ``first`` on. If no more than ``receptive_field`` frames are left
    after a window, it takes them in as well. ``shortest`` is more than twice ``receptive_field``.
    """
    length, kept = shortest, first
    while kept < frames:
        start = max(0, kept - receptive_field)
        stop = start + length if start + length + receptive_field < frames else frames
        window = _window(start, stop, kept, frames, receptive_field)
        yield window
        kept, length = window.last, min(2 * length, longest)


def _window(start: int, stop: int, kept: int, frames: int, receptive_field: int) -> Window:
    """Return the window that keeps as many of its frames, from ``kept`` on, as it can."""
    return Window(start, stop, kept, frames if stop == frames else stop - receptive_field)
