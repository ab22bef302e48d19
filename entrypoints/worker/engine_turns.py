"""Jobs take turns with the one engine of the process."""

import asyncio
import sys
import threading
import traceback
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager

import structlog

from domain.errors import Cancelled, ModelUnavailable
from entrypoints.worker.thread_stream import until_task_ends

log = structlog.get_logger()


class EngineStuck(ModelUnavailable):
    """A job that nobody waits for any more holds the engine and does not give it back."""


class Turn:
    """One job's turn: an event loop takes and leaves it, a thread uses and ends it.

    Attributes:
        left: Set once nobody waits for the job any more: it is finished, cancelled or given up.
        over: Set once the engine is free again.
        fate: What became of a job that was left before its turn was over.
    """

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.left = asyncio.Event()
        self.over = asyncio.Event()
        self.left_at = 0.0
        self.fate = "was cancelled"
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._is_over = False

    @property
    def is_over(self) -> bool:
        return self._is_over

    @contextmanager
    def use(self) -> Generator[None, None, None]:
        """Have the engine inside the block, in whichever thread.

        Raises:
            Cancelled: the turn was left before it was used.
        """
        with self._lock:
            if self._is_over:
                raise Cancelled("the job was cancelled")
            self._thread = threading.get_ident()
        try:
            yield
        finally:
            self._end()

    def leave(self) -> None:
        """Say that nobody waits for the job any more."""
        if self.left.is_set():
            return
        self.left_at = self._loop.time()
        self.left.set()
        with self._lock:
            is_unused = self._thread is None
            self._is_over |= is_unused
        if is_unused:
            self.over.set()

    def stack(self) -> str:
        """Return where the thread is that uses the engine."""
        frame = sys._current_frames().get(self._thread or 0)
        return "".join(traceback.format_stack(frame)) if frame else ""

    def _end(self) -> None:
        self._is_over = True
        try:
            self._loop.call_soon_threadsafe(self.over.set)
        except RuntimeError:  # the loop is closed: nobody waits
            return


class EngineTurns:
    """Lets one job at a time have the engine, in the order in which they came.

    Args:
        patience_seconds: Asked for how long a job that was left may still hold the engine.
    """

    def __init__(self, *, patience_seconds: Callable[[], float]) -> None:
        self._patience_seconds = patience_seconds
        self._latest: Turn | None = None

    @asynccontextmanager
    async def turn(self, job_id: str) -> AsyncGenerator[Turn, None]:
        """Wait until the engine is free, and have it until the returned turn is over.

        A job before this one may take as long as it does: that is no fault. One that was left, and
        does not give the engine back, is.

        Raises:
            EngineStuck: the engine is held by a job that nobody waits for.
        """
        while self._latest and not self._latest.is_over:
            await self._until_over(self._latest)
        turn = self._latest = Turn(job_id)
        with until_task_ends(turn.leave):
            yield turn

    async def _until_over(self, turn: Turn) -> None:
        log.info("job_waits", waits_for=turn.job_id, is_cancelled=turn.left.is_set())
        await turn.left.wait()
        while not turn.is_over:
            until = turn.left_at + self._patience_seconds()
            try:
                async with asyncio.timeout_at(until):
                    await turn.over.wait()
            except TimeoutError:
                if until >= turn.left_at + self._patience_seconds():
                    log.error("engine_stuck", held_by=turn.job_id, stack=turn.stack())  # noqa: TRY400 - the thread's place says more
                    raise EngineStuck(
                        f"the engine is still at work for a job that {turn.fate}, and does not"
                        " come back; send this job again: another worker takes it"
                    ) from None
