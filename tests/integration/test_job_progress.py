"""Progress of a job on an event loop: its order, its end, and what a failure to send costs."""

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from application.utterance import SpokenSoFar
from entrypoints.results import Progress
from entrypoints.worker.progress import ProgressReporter


def spoken(done: int, *, chunks: int = 9) -> SpokenSoFar:
    return SpokenSoFar(chunks_done=done, chunks=chunks, seconds=done / 2, synthesis_seconds=0.1)


class Sink:
    """Records each update when its post begins and when it ends; posts end while ``is_open``."""

    def __init__(self) -> None:
        self.began: list[int] = []
        self.ended: list[int] = []
        self.has_begun, self.is_open = asyncio.Event(), asyncio.Event()

    async def send(self, _: str, update: Progress) -> None:
        self.began.append(update.chunks_done)
        self.has_begun.set()
        await self.is_open.wait()
        self.ended.append(update.chunks_done)


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_true():  # noqa: ASYNC110 - the code under test sets no event for this
            await asyncio.sleep(0)


def test_an_update_tells_chunks_and_seconds() -> None:
    sent: list[tuple[str, Progress]] = []

    async def send(job_id: str, update: Progress) -> None:
        sent.append((job_id, update))

    async def run() -> None:
        async with ProgressReporter(send).watching("job-1") as watch:
            await asyncio.to_thread(watch, spoken(3))
            await until(lambda: bool(sent))

    asyncio.run(run())
    assert sent == [("job-1", Progress(chunks_done=3, chunks=9, seconds=1.5))]


def test_the_newest_update_is_sent_when_the_one_before_has_ended() -> None:
    async def run() -> list[int]:
        sink = Sink()
        async with ProgressReporter(sink.send, interval_seconds=0).watching("job") as watch:
            watch(spoken(1))
            await sink.has_begun.wait()
            for done in (2, 3, 4):
                watch(spoken(done))
            await asyncio.sleep(0)
            assert sink.began == [1]
            sink.is_open.set()
            await until(lambda: len(sink.ended) == 2)
        return sink.ended

    assert asyncio.run(run()) == [1, 4]


def test_the_end_waits_for_the_update_under_way_and_none_follows() -> None:
    async def run() -> list[int]:
        sink = Sink()
        async with ProgressReporter(sink.send, interval_seconds=0).watching("job") as watch:
            watch(spoken(1))
            await sink.has_begun.wait()
            watch(spoken(2))
            asyncio.get_running_loop().call_soon(sink.is_open.set)
        at_the_end = list(sink.ended)
        watch(spoken(3))
        for _ in range(10):
            await asyncio.sleep(0)
        assert sink.began == [1]
        return at_the_end

    assert asyncio.run(run()) == [1]


def test_a_cancelled_job_sends_nothing_after_its_end() -> None:
    async def run() -> list[int]:
        sink = Sink()
        sink.is_open.set()

        async def job() -> None:
            async with ProgressReporter(sink.send, interval_seconds=0).watching("job") as watch:
                watch(spoken(1))
                await sink.has_begun.wait()
                asyncio.get_running_loop().call_soon(watch, spoken(2))
                await asyncio.Event().wait()

        task = asyncio.create_task(job())
        await sink.has_begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        ended = list(sink.ended)
        for _ in range(10):
            await asyncio.sleep(0)
        assert sink.ended == ended
        return sink.began

    assert asyncio.run(run())[0] == 1


def test_the_last_chunk_is_not_told_because_the_result_follows() -> None:
    async def run() -> list[int]:
        sink = Sink()
        sink.is_open.set()
        async with ProgressReporter(sink.send, interval_seconds=0).watching("job") as watch:
            watch(spoken(1, chunks=1))
            for _ in range(10):
                await asyncio.sleep(0)
        return sink.began

    assert asyncio.run(run()) == []


def test_an_update_that_hangs_or_fails_is_given_up() -> None:
    async def run() -> list[int]:
        began: list[int] = []

        async def send(_: str, update: Progress) -> None:
            began.append(update.chunks_done)
            if update.chunks_done == 1:
                raise OSError("no route")
            await asyncio.Event().wait()

        reporter = ProgressReporter(send, interval_seconds=0, send_seconds=0.01)
        async with reporter.watching("job") as watch:
            for done in (1, 2):
                watch(spoken(done))
                await until(lambda: began[-1:] == [done])  # noqa: B023 - awaited in this round
        return began

    with capture_logs() as logs:
        assert asyncio.run(run()) == [1, 2]
    assert [line["error"] for line in logs] == ["OSError", "TimeoutError"]
