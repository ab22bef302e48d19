"""Speech at another speed: FFmpeg's filter ``atempo``, which keeps the pitch (WSOLA)."""

from collections.abc import Generator, Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from adapters.pyav.failures import own_errors
from domain.audio import Samples

if TYPE_CHECKING:
    from av.filter import Graph

_WHOLE_RANGE = (0.5, 2.0)
"""Speeds of one filter: beyond 2 it skips samples, and below 0.5 it refuses; then two share it."""

_FLUSH_SECONDS = 0.3
"""Silence after the end, at the new speed, so that the filter gives out all that came before."""


def stretched(
    samples: Iterable[Samples], *, sample_rate_hz: int, speed: float
) -> Generator[Samples, None, None]:
    """Implement ``TimeStretch``; the first samples come after at most 0.25 s of input."""
    with own_errors():
        graph = _graph(sample_rate_hz, speed)
    count = made = 0
    for part in samples:
        for ready in _pushed(graph, part, sample_rate_hz, count):
            made += len(ready)
            yield ready
        count += len(part)
    missing = max(round(count / speed), 1) - made
    silence = np.zeros(round(_FLUSH_SECONDS * speed * sample_rate_hz), dtype=np.float32)
    rest = [*_pushed(graph, silence, sample_rate_hz, count), *_ended(graph)]
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
    slowest, fastest = _WHOLE_RANGE
    filters = 1 if slowest <= speed <= fastest else 2
    for _ in range(filters):
        tempo = graph.add("atempo", repr(speed ** (1 / filters)))
        last.link_to(tempo)
        last = tempo
    last.link_to(graph.add("abuffersink"))
    graph.configure()
    return graph


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
