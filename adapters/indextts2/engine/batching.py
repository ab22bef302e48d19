"""In which batches the segments of a request are spoken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapters.indextts2.noise import SegmentKey
from adapters.indextts2.t2s.text import Segment, TokenisedText


@dataclass(frozen=True, slots=True)
class Task:
    """One segment to speak; ``ends_chunk`` is set on the last segment of its chunk."""

    key: SegmentKey
    segment: Segment
    ends_chunk: bool

    @property
    def chunk_number(self) -> int:
        """The chunk's number as messages count it, from 1."""
        return self.key.chunk + 1


def tasks_of(texts: Sequence[TokenisedText]) -> list[Task]:
    """Return the segments of all chunks, in order."""
    return [
        Task(SegmentKey(chunk, index), segment, index + 1 == len(text.segments))
        for chunk, text in enumerate(texts)
        for index, segment in enumerate(text.segments)
    ]


def batches_of(tasks: Sequence[Task], *, size: int) -> Iterator[Sequence[Task]]:
    """Yield the first task alone, then growing batches of at most ``size`` tasks, in order.

    The first segment is alone because it alone decides the time to first audio. A later batch is
    spoken while the audio before it plays, so it has at most ``size`` times as many text tokens as
    all segments before it together, or one task. After a short greeting no caller waits for sixteen
    long segments. Segments of equal length form batches of 1, ``size``, ``size`` and so on.

    The members of a batch change the last bit of a sum. Batches therefore depend on the request
    alone, never on how its audio is delivered: streamed and stored audio have the same samples.
    """
    begin, tokens_before = 0, 0
    while begin < len(tasks):
        end, tokens = begin, 0
        while end < len(tasks) and end - begin < size:
            tokens += len(tasks[end].segment.ids)
            if end > begin and tokens > size * tokens_before:
                break
            end += 1
        batch = tasks[begin:end]
        yield batch
        tokens_before += sum(len(task.segment.ids) for task in batch)
        begin = end
