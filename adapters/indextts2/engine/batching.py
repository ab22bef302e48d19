"""In which order and company the segments of a request are spoken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapters.indextts2.noise import SegmentKey
from adapters.indextts2.t2s.text import Segment, TokenisedText


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
    """The first task alone, to be heard soon, then growing batches of at most ``size``, in order.

    A batch is spoken while what came before it is heard. So it has at most ``size`` times as many
    text tokens as came before, or one task: after a short greeting nobody waits for sixteen long
    segments. Tasks of one length come as one, ``size``, ``size`` and so on.

    Who shares a batch changes the last bit of a sum. So it depends on the request alone, never on
    how its audio is delivered: streamed and whole, a request has the same samples.
    """
    begin, before = 0, 0
    while begin < len(tasks):
        end, tokens = begin, 0
        while end < len(tasks) and end - begin < size:
            tokens += len(tasks[end].segment.ids)
            if end > begin and tokens > size * before:
                break
            end += 1
        yield tasks[begin:end]
        before += sum(len(task.segment.ids) for task in tasks[begin:end])
        begin = end
