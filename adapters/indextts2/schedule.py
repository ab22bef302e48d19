"""In which order and company the segments of a request are spoken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapters.indextts2.noise import SegmentKey
from adapters.indextts2.text import Segment, TokenisedText


@dataclass(frozen=True, slots=True)
class Task:
    """One segment to speak; ``ends_chunk`` where it is its chunk's last."""

    key: SegmentKey
    segment: Segment
    ends_chunk: bool


def tasks_of(texts: Sequence[TokenisedText]) -> list[Task]:
    """The segments of all chunks, in order."""
    return [
        Task(SegmentKey(chunk, index), segment, index + 1 == len(text.segments))
        for chunk, text in enumerate(texts)
        for index, segment in enumerate(text.segments)
    ]


def grouped(tasks: Sequence[Task], size: int, *, first_alone: bool) -> Iterator[Sequence[Task]]:
    """Batches of at most ``size``, in order; the first segment may go alone, to be heard soon."""
    start = 1 if first_alone else 0
    if tasks[:start]:
        yield tasks[:start]
    for begin in range(start, len(tasks), size):
        yield tasks[begin : begin + size]
