"""What was spoken and not yet sent: the engine never waits for the reader of a response."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from application.speech_report import SpeechReport
from domain.errors import SynthesisFailed

LARGEST_PIECE_BYTES = 64 * 2**10
"""Bytes that are sent at once."""

LARGEST_BACKLOG_BYTES = 64 * 2**20
"""Bytes that a reader may be behind: 23 minutes of pcm at 24 kHz, hours of mp3."""

LARGEST_TOTAL_BYTES = 512 * 2**20
"""Bytes that all readers together may be behind, so that slow ones cannot fill the memory."""


class ReaderTooSlow(SynthesisFailed):
    """A reader is so far behind that the rest of its speech is not made."""


@dataclass(frozen=True, slots=True)
class ChunkStart:
    """The beginning of a chunk: its ``start`` in seconds on the audio, as far as it is known."""

    index: int
    text: str
    start: float


Item = bytes | ChunkStart | SpeechReport
"""Encoded audio, or a mark between two pieces of it; the report comes last."""


class Backlog:
    """Bytes that all readers together are behind; used in the event loop alone."""

    def __init__(self, *, largest_bytes: int = LARGEST_TOTAL_BYTES) -> None:
        self._largest_bytes = largest_bytes
        self.size_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether no more bytes should be kept for any reader."""
        return self.size_bytes > self._largest_bytes


class Outbox:
    """Items of one speech, from the task that makes them to the one that sends them.

    Args:
        backlog: The bytes of all outboxes together.
        largest_bytes: Bytes that may lie in this one.
    """

    def __init__(self, backlog: Backlog, *, largest_bytes: int = LARGEST_BACKLOG_BYTES) -> None:
        self._backlog = backlog
        self._largest_bytes = largest_bytes
        self._size_bytes = 0
        self._items: deque[Item] = deque()
        self._has_news = asyncio.Event()
        self._is_ended = False
        self._error: Exception | None = None

    def put(self, item: Item) -> None:
        """Add an item; never wait.

        Raises:
            ReaderTooSlow: too many bytes wait for the reader already.
        """
        if isinstance(item, bytes):
            if self._size_bytes > self._largest_bytes or self._backlog.is_full:
                raise ReaderTooSlow("the audio was read too slowly; use the queue for long texts")
            self._count(len(item))
        self._items.append(item)
        self._has_news.set()

    def end(self, error: Exception | None = None) -> None:
        """Note that no item follows, because of ``error`` if there is one."""
        self._is_ended = True
        self._error = error
        self._has_news.set()

    async def items(self) -> AsyncGenerator[Item, None]:
        """Yield the items as they come, to the one reader.

        Bytes that are here together come together, at most ``LARGEST_PIECE_BYTES`` at once.

        Raises:
            Whatever ``end`` was given.
        """
        while True:
            while self._items:
                yield self._next()
            if self._is_ended:
                break
            self._has_news.clear()
            await self._has_news.wait()
        if self._error:
            raise self._error

    def close(self) -> None:
        """Forget what was not read."""
        self._items.clear()
        self._count(-self._size_bytes)

    def _next(self) -> Item:
        item = self._items.popleft()
        if not isinstance(item, bytes):
            return item
        whole = bytearray(item)
        while self._items and isinstance(self._items[0], bytes):
            if len(whole) >= LARGEST_PIECE_BYTES:
                break
            whole += self._items[0]
            self._items.popleft()
        if rest := whole[LARGEST_PIECE_BYTES:]:
            self._items.appendleft(bytes(rest))
        piece = bytes(whole[:LARGEST_PIECE_BYTES])
        self._count(-len(piece))
        return piece

    def _count(self, size_bytes: int) -> None:
        self._size_bytes += size_bytes
        self._backlog.size_bytes += size_bytes
