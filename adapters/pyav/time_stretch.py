"""Speech at another speed: FFmpeg's filter ``atempo``, which keeps the pitch (WSOLA)."""

import math
from collections.abc import Generator, Iterable
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from adapters.pyav.failures import own_errors
from domain.audio import Samples

if TYPE_CHECKING:
    from av.filter import Graph

_WHOLE_RANGE = (0.5, 2.0)
"""Speeds of one filter: beyond 2 it skips samples, and below 0.5 it refuses; then two share it."""

_EARLY_WINDOWS = {"slower": 0.31, "faster": 0.13}
"""How much earlier than it should a filter puts the middle of a sound, in windows of its own, as
measured with bursts of tones."""

_FLUSH_SECONDS = 0.3
"""Silence after the end, at the new speed, so that the filter gives out all that came before."""


def stretched(
    samples: Iterable[Samples], *, sample_rate_hz: int, speed: float
) -> Generator[Samples, None, None]:
    """Implement ``TimeStretch``; the first samples come after at most 0.25 s of input.

    The filters put sounds too early, so that silence goes before: at speeds from 0.5 to 2 the
    middle of a sound is within 10 ms of its moment.
    """
    with own_errors():
        graph = _graph(sample_rate_hz, speed)
    delay = round(_early_seconds(sample_rate_hz, speed) * speed * sample_rate_hz)
    position, made = 0, 0
    for part in chain([np.zeros(delay, dtype=np.float32)], samples):
        for ready in _pushed(graph, part, sample_rate_hz, position):
            made += len(ready)
            yield ready
        position += len(part)
    missing = max(round((position - delay) / speed), 1) - made
    silence = np.zeros(round(_FLUSH_SECONDS * speed * sample_rate_hz), dtype=np.float32)
    rest = [*_pushed(graph, silence, sample_rate_hz, position), *_ended(graph)]
    last: Samples = np.concatenate([*rest, np.zeros(max(missing, 0), dtype=np.float32)])
    if missing > 0:
        yield last[:missing]


def _graph(sample_rate_hz: int, speed: float) -> "Graph":
    import av

    graph = av.filter.Graph()
    last = graph.add(
        "abuffer",
        sample_rate=str(sample_rate_hz),
        sample_fmt="flt",
        channel_layout="mono",
        time_base=f"1/{sample_rate_hz}",
    )
    for each in _speeds(speed):
        tempo = graph.add("atempo", repr(each))
        last.link_to(tempo)
        last = tempo
    last.link_to(graph.add("abuffersink"))
    graph.configure()
    return graph


def _speeds(speed: float) -> tuple[float, ...]:
    """Return the speed of each filter."""
    slowest, fastest = _WHOLE_RANGE
    return (speed,) if slowest <= speed <= fastest else (math.sqrt(speed),) * 2


def _early_seconds(sample_rate_hz: int, speed: float) -> float:
    """Return how much too early the filters put a sound; each changes the error of those before."""
    window_seconds = 2 ** math.ceil(math.log2(sample_rate_hz / 24)) / sample_rate_hz  # as atempo's
    windows = _EARLY_WINDOWS["slower" if speed < 1 else "faster"]
    early = 0.0
    for each in _speeds(speed):
        early = early / each + windows * window_seconds
    return early


def _pushed(
    graph: "Graph", samples: Samples, sample_rate_hz: int, position: int
) -> Generator[Samples, None, None]:
    """Give ``samples`` to the filters, and yield what they have finished."""
    import av

    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(samples)[None], format="flt", layout="mono"
    )
    frame.sample_rate = sample_rate_hz
    frame.pts = position
    frame.time_base = Fraction(1, sample_rate_hz)
    with own_errors():
        graph.push(frame)
    yield from _finished(graph)


def _ended(graph: "Graph") -> Generator[Samples, None, None]:
    """Tell the filters that nothing follows, and yield what they held back."""
    with own_errors():
        graph.push(None)
    yield from _finished(graph)


def _finished(graph: "Graph") -> Generator[Samples, None, None]:
    import av

    while True:
        with own_errors():
            try:
                ready = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
        yield ready.to_ndarray()[0]
