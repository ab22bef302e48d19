import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Generator
from contextlib import aclosing

import pytest

from entrypoints.engine.thread_stream import in_thread, thread_stream

TIME_LIMIT_SECONDS = 10


def counting(
    made: list[int], closed: threading.Event
) -> Callable[[threading.Event], Generator[int, None, None]]:
    """Numbers without end; notes those that were made, and its being closed."""

    def produce(cancelled: threading.Event) -> Generator[int, None, None]:
        try:
            for number in range(10**9):
                made.append(number)
                yield number
        finally:
            closed.set()

    return produce


def test_items_come_in_order_and_then_it_ends() -> None:
    async def read() -> list[int]:
        async with aclosing(thread_stream(lambda _: (n for n in range(100)), ahead=2)) as items:
            return [item async for item in items]

    assert asyncio.run(read()) == list(range(100))


def test_an_error_is_raised_where_the_items_are_read_after_all_of_them() -> None:
    def produce(_: threading.Event) -> Generator[int, None, None]:
        yield 1
        raise LookupError("gone")

    async def read() -> None:
        items = thread_stream(produce, ahead=2)
        assert await anext(items) == 1
        with pytest.raises(LookupError, match="gone"):
            await anext(items)

    asyncio.run(read())


def test_the_thread_works_no_further_ahead_than_it_may() -> None:
    made: list[int] = []
    closed = threading.Event()

    async def read() -> None:
        async with aclosing(thread_stream(counting(made, closed), ahead=3)) as items:
            await anext(items)
            # One is read, three are ahead, one is made and not yet sent.
            while len(made) < 5:  # noqa: ASYNC110 - another thread makes them
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            assert made == [0, 1, 2, 3, 4]

    asyncio.run(read())


def test_closing_the_reader_closes_the_work() -> None:
    made: list[int] = []
    closed = threading.Event()

    async def read() -> None:
        async with aclosing(thread_stream(counting(made, closed), ahead=1)) as items:
            await anext(items)
        assert await asyncio.to_thread(closed.wait, TIME_LIMIT_SECONDS)

    asyncio.run(read())


def test_the_end_of_the_readers_task_closes_the_work_though_the_reader_is_kept() -> None:
    made: list[int] = []
    closed = threading.Event()
    kept = []

    async def read_one() -> None:
        kept.append(thread_stream(counting(made, closed), ahead=1))
        await anext(kept[0])
        await asyncio.sleep(TIME_LIMIT_SECONDS)

    async def cancel_it() -> None:
        task = asyncio.create_task(read_one())
        await asyncio.sleep(0.1)
        task.cancel()
        assert await asyncio.to_thread(closed.wait, TIME_LIMIT_SECONDS)
        await kept[0].aclose()

    asyncio.run(cancel_it())


def test_the_event_loop_runs_on_while_the_work_blocks() -> None:
    released = threading.Event()

    def produce(_: threading.Event) -> Generator[str, None, None]:
        assert released.wait(TIME_LIMIT_SECONDS)
        yield "done"

    async def read() -> str:
        asyncio.get_running_loop().call_later(0.05, released.set)
        async with aclosing(thread_stream(produce, ahead=1)) as items:
            return await anext(items)

    assert asyncio.run(read()) == "done"


class Once:
    """Work of one item, as an object that can be watched."""

    def __call__(self, _: threading.Event) -> Generator[str, None, None]:
        yield "item"


def test_a_task_that_reads_many_streams_keeps_none_of_them() -> None:
    async def read_one() -> "weakref.ref[Once]":
        work = Once()
        async with aclosing(thread_stream(work, ahead=1)) as items:
            assert [item async for item in items] == ["item"]
        return weakref.ref(work)

    async def read() -> None:
        ended = [await read_one() for _ in range(20)]
        deadline = time.monotonic() + TIME_LIMIT_SECONDS
        while any(work() for work in ended):  # their threads may take a moment to end
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
            gc.collect()

    asyncio.run(read())


def test_a_question_is_answered_from_a_thread_that_keeps_no_process_alive() -> None:
    def ask() -> bool:
        return threading.current_thread().daemon

    assert asyncio.run(in_thread(ask))


def test_what_a_question_raises_is_raised_where_it_was_asked() -> None:
    def ask() -> str:
        raise LookupError("nothing")

    with pytest.raises(LookupError, match="nothing"):
        asyncio.run(in_thread(ask))
