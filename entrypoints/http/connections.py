"""Bounds of a connection: the time to send a request's head, its size, and how many there are.

uvicorn has no such bounds. A client that sends a head byte by byte would keep its connection, and
one that opens many would use up the process's files.
"""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from entrypoints.http.errors import NO_RETRY, ApiError

CROWDED = "is_crowded"
"""Key in the state of a request that came when there were too many connections."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds of connections.

    Attributes:
        head_seconds: Longest time from the connection, or from the first byte of a later request,
            to the end of the head.
        max_head_bytes: Bytes of a head after which an unfinished one is given up.
        max_connections: Connections that requests are answered on: half of the 1024 files that a
            process may usually open.
    """

    head_seconds: float = 10.0
    max_head_bytes: int = 64 * 2**10
    max_connections: int = 512


class LimitedProtocol(HttpToolsProtocol):
    """One connection, within ``limits``.

    Where there are too many, a new one takes the place of the one that has been idle for longest.
    Where none is idle, its request is marked as ``CROWDED``.
    """

    limits: ClassVar = ConnectionLimits()

    _timer: asyncio.TimerHandle | None = None
    _is_in_head = False
    _head_bytes = 0
    _idle_since = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in the class above
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._make_room()
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse ``data``, and give up a head that grows too large."""
        holds_no_body = self._is_in_head or self.cycle is None
        super().data_received(data)
        is_all_head = holds_no_body and self._is_in_head
        self._head_bytes = self._head_bytes + len(data) if is_all_head else 0
        if self._head_bytes > self.limits.max_head_bytes:
            self._refuse(431, "the headers are too large", "headers_too_large")

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        super().on_message_begin()
        self._is_in_head = True
        if self._timer is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Start to answer the request."""
        self._is_in_head = False
        self._stop_timer()
        if len(self.connections) > self.limits.max_connections:
            self.scope["state"][CROWDED] = True
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Note that the connection is idle again."""
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no request."""
        self._refuse(400, msg, "invalid_http")

    def _make_room(self) -> None:
        if len(self.connections) <= self.limits.max_connections:
            return
        others = [each for each in self.connections if isinstance(each, LimitedProtocol)]
        idle = [each for each in others if each is not self and each.is_idle]
        if idle:
            min(idle, key=lambda each: each._idle_since).transport.close()  # noqa: SLF001 - this class's own

    def _expect_head(self) -> None:
        self._timer = self.loop.call_later(self.limits.head_seconds, self._head_is_late)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _head_is_late(self) -> None:
        if not self.is_idle:  # the head of a later request; the answer before it goes on
            self._expect_head()
        elif self._is_in_head:
            self._refuse(408, "the request did not arrive in time", "request_too_slow")
        else:
            self.transport.close()

    def _refuse(self, status: int, message: str, code: str) -> None:
        if self.transport.is_closing():
            return
        error = ApiError(status, message, code=code, headers={"Connection": "close", **NO_RETRY})
        response = error.response()
        head = [b"%s: %s\r\n" % header for header in response.raw_headers]
        self.transport.write(b"".join([STATUS_LINE[status], *head, b"\r\n", bytes(response.body)]))
        self.transport.close()


def limited_protocol(limits: ConnectionLimits) -> type[LimitedProtocol]:
    """Return the class of connections within ``limits``; uvicorn makes them."""
    return type("LimitedProtocol", (LimitedProtocol,), {"limits": limits})
