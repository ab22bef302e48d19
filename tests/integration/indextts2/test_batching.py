"""Who shares a batch with whom."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.indextts2.engine.batching import Task, batches_of
from adapters.indextts2.noise import SegmentKey
from adapters.indextts2.t2s.text import Segment

LENGTHS = st.lists(st.integers(1, 120), max_size=60)


def tasks(*lengths: int) -> list[Task]:
    return [
        Task(SegmentKey(index, 0), Segment((7,) * length), ends_chunk=True)
        for index, length in enumerate(lengths)
    ]


def sizes(*lengths: int, size: int = 16) -> list[int]:
    return [len(batch) for batch in batches_of(tasks(*lengths), size=size)]


def test_the_first_segment_is_a_batch_of_its_own() -> None:
    assert sizes(*[40] * 8) == [1, 7]
    assert sizes(*[40] * 40) == [1, 16, 16, 7]
    assert sizes(40) == [1]
    assert sizes() == []


def test_batches_grow_after_a_short_beginning() -> None:
    assert sizes(2, *[60] * 20) == [1, 1, 16, 3]
    assert sizes(5, *[30] * 20) == [1, 2, 16, 2]


@given(LENGTHS, st.integers(1, 16))
def test_every_task_is_spoken_once_and_in_order(lengths: list[int], size: int) -> None:
    every = tasks(*lengths)
    assert [task for batch in batches_of(every, size=size) for task in batch] == every


@given(LENGTHS, st.integers(1, 16))
def test_no_batch_is_long_beside_the_audio_delivered_before(lengths: list[int], size: int) -> None:
    delivered = 0
    for batch in batches_of(tasks(*lengths), size=size):
        tokens = sum(len(task.segment.ids) for task in batch)
        assert len(batch) <= size
        assert len(batch) == 1 or tokens <= size * delivered
        delivered += tokens
