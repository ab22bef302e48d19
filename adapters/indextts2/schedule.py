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


def grouped(tasks: Sequence[Task], size: int) -> Iterator[Sequence[Task]]:
    """The first task alone, to be heard soon, then batches of at most ``size``, in order.

    Who shares a batch changes the last bit of a sum. So it depends on the request alone, never on
    how its audio is delivered: streamed and whole, a request has the same samples.
    """
    if tasks:
        yield tasks[:1]
    for begin in range(1, len(tasks), size):
        yield tasks[begin : begin + size]
