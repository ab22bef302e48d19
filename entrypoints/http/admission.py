"""Who may wait for the engine: a queue with a bound, first in, first out."""

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from domain.errors import ModelUnavailable
from entrypoints.http.errors import RATE_LIMIT, RETRY, ApiError
from entrypoints.http.metrics import SpeechMetrics

LONGEST_WAIT_SECONDS = 60.0
"""Most clients give up after 30 to 60 s without a byte."""

_FIRST_GUESS_SECONDS = 5.0
_WEIGHT_OF_THE_LATEST = 0.2


class Place:
    """A place in the queue; its holder prepares the request and then waits for its turn."""

    def __init__(self, admission: "Admission") -> None:
        self._admission = admission
        self._loop = asyncio.get_running_loop()
        self._arrived = self._loop.time()
        self.deadline = self._arrived + admission.longest_wait_seconds

    @property
    def waited_seconds(self) -> float:
        """Time since the request came."""
        return self._loop.time() - self._arrived

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None, None]:
        """Wait for the engine, and have it until the block ends.

        Raises:
            ApiError: it took too long.
            ModelUnavailable: the server stops.
        """
        async with self._admission.engine_until(self.deadline):
            yield


class Admission:
    """Bounds the requests that wait, and how long they do.

    Args:
        most_waiting: How many may wait while one is spoken.
        metrics: Learns how many wait and are spoken.
        longest_wait_seconds: Longest time from a request's arrival to its turn.
    """

    def __init__(
        self,
        *,
        most_waiting: int,
        metrics: SpeechMetrics,
        longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
    ) -> None:
        self.longest_wait_seconds = longest_wait_seconds
        self._most_waiting = most_waiting
        self._metrics = metrics
        self._engine = asyncio.Semaphore(1)
        self._closed = asyncio.Event()
        self._inside = 0
        self._running = 0
        self._usual_seconds = _FIRST_GUESS_SECONDS

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[Place, None]:
        """Give a place until the block ends.

        Raises:
            ApiError: as many as may wait do so already.
            ModelUnavailable: the server stops.
        """
        self._require_open()
        if self._inside > self._most_waiting:
            raise self._full(
                f"{self._most_waiting} requests wait already; send this one again later"
            )
        self._inside += 1
        self._tell()
        try:
            yield Place(self)
        finally:
            self._inside -= 1
            self._tell()

    @asynccontextmanager
    async def engine_until(self, deadline: float) -> AsyncGenerator[None, None]:
        """Wait for the engine until ``deadline``; see ``Place.turn``."""
        await self._acquire(deadline)
        began = asyncio.get_running_loop().time()
        self._running += 1
        self._tell()
        try:
            yield
        finally:
            took = asyncio.get_running_loop().time() - began
            self._usual_seconds += _WEIGHT_OF_THE_LATEST * (took - self._usual_seconds)
            self._running -= 1
            self._engine.release()
            self._tell()

    def close(self) -> None:
        """Refuse new requests, and those that wait; the one that is spoken goes on."""
        self._closed.set()

    @property
    def waiting(self) -> int:
        """Number of requests that wait for the engine."""
        return self._inside - self._running

    @property
    def is_closed(self) -> bool:
        """Whether the server stops."""
        return self._closed.is_set()

    async def _acquire(self, deadline: float) -> None:
        getting = asyncio.create_task(self._engine.acquire())
        closing = asyncio.create_task(self._closed.wait())
        has_engine = False
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.wait({getting, closing}, return_when=asyncio.FIRST_COMPLETED)
            self._require_open()
            has_engine = True
        except TimeoutError:
            raise self._full(
                f"the request waited {self.longest_wait_seconds:g} s for its turn; send it again"
                " later"
            ) from None
        finally:
            closing.cancel()
            if not has_engine:
                self._give_back(getting)

    def _give_back(self, getting: "asyncio.Task[bool]") -> None:
        if not getting.cancel() and not getting.cancelled():
            self._engine.release()

    def _require_open(self) -> None:
        if self.is_closed:
            raise ModelUnavailable("the server stops; send the request again")

    def _full(self, why: str) -> ApiError:
        seconds = math.ceil(min(max(self._inside * self._usual_seconds, 1), 60))
        return ApiError(
            429,
            why,
            code="queue_full",
            kind=RATE_LIMIT,
            headers={"Retry-After": str(seconds), **RETRY},
        )

    def _tell(self) -> None:
        self._metrics.queue_length(self.waiting)
        self._metrics.running(self._running)
