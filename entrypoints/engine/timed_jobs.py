"""Jobs with the engine of the process: one at a time, each within its time limit."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

import structlog

from application.ports.speech_model import ModelState, SpeechModel
from domain.errors import SynthesisFailed
from entrypoints.engine.queue import EngineLease, EngineQueue
from entrypoints.engine.thread_stream import Produce, thread_stream

log = structlog.get_logger()

ItemT = TypeVar("ItemT")

ITEMS_AHEAD = 2
"""Items that the model may be ahead of their reader, so that it works while one is sent."""


class JobTimedOut(SynthesisFailed):
    """A job took longer than its time limit; its thread may never release the engine."""


class TimedJob:
    """A job that has the engine.

    Attributes:
        lease: The engine in its hands.
        deadline: Moment of the event loop's clock at which the job is ended.
    """

    def __init__(self, lease: EngineLease, *, timeout_seconds: float) -> None:
        self.lease = lease
        self.deadline = asyncio.get_running_loop().time() + timeout_seconds
        self._timeout_seconds = timeout_seconds

    async def items(self, work: Produce[ItemT]) -> AsyncGenerator[ItemT, None]:
        """Run ``work`` in a thread and yield what it makes.

        Raises:
            JobTimedOut: the job took longer than its time limit.
            Whatever ``work`` raises.
        """
        async with aclosing(thread_stream(work, ahead=ITEMS_AHEAD)) as items:
            while True:
                try:
                    async with asyncio.timeout_at(self.deadline) as limit:
                        item = await anext(items)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    if not limit.expired():
                        raise
                    raise self._timed_out() from error
                yield item

    def _timed_out(self) -> JobTimedOut:
        self.lease.end_of_job = "took too long"
        log.error("job_timed_out", seconds=self._timeout_seconds, stack=self.lease.stack())
        return JobTimedOut(
            f"the job was not finished within {self._timeout_seconds:g} s and was ended; send a"
            " shorter text, or set JOB_TIMEOUT_SECONDS and the endpoint's execution timeout to"
            " more"
        )


class TimedJobs:
    """Give the engine of the process to one job after another.

    Args:
        model: The engine; while it loads, a cancelled job may hold it longer.
        timeout_seconds: Longest time of a job, from when it has the engine to its last item.
        release_seconds: Longest time that a cancelled job may still hold the engine.
    """

    def __init__(
        self, *, model: SpeechModel, timeout_seconds: float, release_seconds: float
    ) -> None:
        self._model = model
        self._timeout_seconds = timeout_seconds
        self._shortest_release_seconds = release_seconds
        self._queue = EngineQueue(release_seconds=self._release_seconds)

    @asynccontextmanager
    async def job(self, job_id: str) -> AsyncGenerator[TimedJob, None]:
        """Wait until the engine is free, and yield a job that has it until the block ends.

        Raises:
            EngineStuck: an earlier job does not release the engine.
        """
        async with self._queue.lease(job_id) as lease:
            yield TimedJob(lease, timeout_seconds=self._timeout_seconds)

    def _release_seconds(self) -> float:
        """Return how long a cancelled job may hold the engine.

        While the model loads it is as long as a job may take: a new process would not load faster.
        """
        if self._model.status().state is ModelState.LOADING:
            return max(self._shortest_release_seconds, self._timeout_seconds)
        return self._shortest_release_seconds
