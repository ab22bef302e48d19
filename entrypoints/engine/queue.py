"""One job at a time has the engine of the process: a queue of jobs, and the lease of one."""

import asyncio
import sys
import threading
import traceback
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager

import structlog

from domain.errors import Cancelled, ModelUnavailable
from entrypoints.engine.thread_stream import until_task_ends

log = structlog.get_logger()


class EngineStuck(ModelUnavailable):
    """An abandoned job holds the engine and does not release it."""


class EngineLease:
    """The engine in the hands of one job.

    The event loop opens and abandons a lease; a thread uses the engine and releases it.

    Attributes:
        abandoned: Set once the job is finished, cancelled or out of time.
        released: Set once the engine is free again.
        end_of_job: What became of a job that was abandoned before it released the engine.
    """

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.abandoned = asyncio.Event()
        self.released = asyncio.Event()
        self.abandoned_at = 0.0
        self.end_of_job = "was cancelled"
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._is_released = False

    @property
    def is_released(self) -> bool:
        """Whether the engine is free again; for any thread."""
        return self._is_released

    @contextmanager
    def use(self) -> Generator[None, None, None]:
        """Use the engine inside the block, in any one thread, and release it at the end.

        Raises:
            Cancelled: the lease was abandoned before it was used.
        """
        with self._lock:
            if self._is_released:
                raise Cancelled("the job was cancelled")
            self._thread = threading.get_ident()
        try:
            yield
        finally:
            self._release()

    def abandon(self) -> None:
        """Note that the job is over for its sender, and release an engine that was not used."""
        if self.abandoned.is_set():
            return
        self.abandoned_at = self._loop.time()
        self.abandoned.set()
        with self._lock:
            is_unused = self._thread is None
            self._is_released |= is_unused
        if is_unused:
            self.released.set()

    def stack(self) -> str:
        """Return the call stack of the thread that uses the engine; empty if none does."""
        frames = sys._current_frames()  # noqa: SLF001 - the documented way to another thread's stack
        frame = frames.get(self._thread or 0)
        return "".join(traceback.format_stack(frame)) if frame else ""

    def _release(self) -> None:
        self._is_released = True
        try:
            self._loop.call_soon_threadsafe(self.released.set)
        except RuntimeError:  # the loop is closed, so no job is left in the queue
            return


class EngineQueue:
    """Lease the engine to one job at a time, in the order in which the jobs came.

    Args:
        release_seconds: Return how long an abandoned job may still hold the engine, in seconds.
    """

    def __init__(self, *, release_seconds: Callable[[], float]) -> None:
        self._release_seconds = release_seconds
        self._latest: EngineLease | None = None

    @asynccontextmanager
    async def lease(self, job_id: str) -> AsyncGenerator[EngineLease, None]:
        """Wait until the engine is free, and lease it; the lease is abandoned with the block.

        An earlier job that is still being read may take any time. One that was abandoned must
        release the engine within ``release_seconds``.

        Raises:
            EngineStuck: an abandoned job did not release the engine in time.
        """
        while self._latest and not self._latest.is_released:
            await self._until_released(self._latest)
        lease = self._latest = EngineLease(job_id)
        with until_task_ends(lease.abandon):
            yield lease

    async def _until_released(self, lease: EngineLease) -> None:
        log.info("job_waits", waits_for=lease.job_id, is_cancelled=lease.abandoned.is_set())
        await lease.abandoned.wait()
        while not lease.is_released:
            until = lease.abandoned_at + self._release_seconds()
            try:
                async with asyncio.timeout_at(until):
                    await lease.released.wait()
            except TimeoutError:
                if until >= lease.abandoned_at + self._release_seconds():
                    log.error("engine_stuck", held_by=lease.job_id, stack=lease.stack())  # noqa: TRY400 - the stack of the other thread explains more
                    raise EngineStuck(
                        f"the engine is still at work for a job that {lease.end_of_job}, and does"
                        " not come back; send this job again: another worker takes it"
                    ) from None
