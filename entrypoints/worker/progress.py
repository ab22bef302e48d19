"""How far a batch job is, sent while the job runs: in order, and never after its last object.

The SDK's own ``progress_update`` promises neither. It starts a thread with a connection of its own
for each call, so that two updates may arrive in either order, and one may arrive after the result
and replace it. Here one task of the event loop sends one update at a time, and the job's last
object waits for the update that is under way.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from application.utterance import ChunkWatcher, SpokenSoFar
from entrypoints.rendering import progress
from entrypoints.results import Progress

log = structlog.get_logger()

SendProgress = Callable[[str, Progress], Awaitable[None]]
"""Sends an update on the job of that id."""

INTERVAL_SECONDS = 2.0
"""Seconds between the end of an update and the next one: clients seldom poll more often."""

SEND_SECONDS = 5.0
"""Longest time of an update, which is also the longest that a finished job waits for one."""


class ProgressReporter:
    """Sends the newest progress of a job, at most one update each ``interval_seconds``."""

    def __init__(
        self,
        send: SendProgress,
        *,
        interval_seconds: float = INTERVAL_SECONDS,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        self._send = send
        self._interval_seconds = interval_seconds
        self._send_seconds = send_seconds

    @asynccontextmanager
    async def watching(self, job_id: str) -> AsyncGenerator[ChunkWatcher, None]:
        """Yield a watcher that any thread may call, and send what it notes while the block lasts.

        The block ends when the update that is under way has ended. A failure to send is logged.
        """
        latest = _Latest()
        may_send = asyncio.Lock()
        sending = asyncio.create_task(self._send_each(job_id, latest, may_send))
        try:
            yield latest.note
        finally:
            try:
                await may_send.acquire()  # and it is not released: nothing may be sent any more
            finally:
                sending.cancel()

    async def _send_each(self, job_id: str, latest: "_Latest", may_send: asyncio.Lock) -> None:
        while True:
            await latest.is_new.wait()
            async with may_send:
                await self._send_or_log(job_id, progress(latest.take()))
            await asyncio.sleep(self._interval_seconds)

    async def _send_or_log(self, job_id: str, update: Progress) -> None:
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._send(job_id, update)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not disturb the job
            log.warning("progress_not_sent", error=type(error).__name__)


class _Latest:
    """The newest progress: a thread notes it, the event loop takes it."""

    def __init__(self) -> None:
        self.is_new = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._noted: list[SpokenSoFar] = []

    def note(self, spoken: SpokenSoFar) -> None:
        if spoken.chunks_done == spoken.chunks:
            return  # the result follows, and would have to wait for this update
        with suppress(RuntimeError):  # the loop is closed, so there is no reader
            self._loop.call_soon_threadsafe(self._keep, spoken)

    def take(self) -> SpokenSoFar:
        self.is_new.clear()
        return self._noted[-1]

    def _keep(self, spoken: SpokenSoFar) -> None:
        self._noted = [spoken]
        self.is_new.set()
