"""Bounds of a request: the size of its head, the size of its body, and the time to read it."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.http.errors import NO_RETRY, ApiError

MAX_URL_BYTES = 8 * 2**10
"""Bytes of a path with its query: every route needs fewer than 200."""
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 2**10
"""Bytes of all headers: browsers stay below 16 KiB, cookies included."""
MAX_BODY_BYTES = 20 * 2**20
"""Bytes of a body: a recording of 10 MiB as base64, and the text beside it."""
BODY_SECONDS = 30.0
"""Longest time in which a body is read, from its first byte to its last."""
LINGER_SECONDS = 5.0
"""Longest time in which the rest of a refused body is read and dropped.

Many clients read no answer before they have sent everything, and a connection that is closed on
bytes that were not read loses the answer.
"""

_CLOSE = {"Connection": "close", **NO_RETRY}
_DISCONNECT: Message = {"type": "http.disconnect"}


class HeadLimits:
    """Refuses requests whose URL or headers are too large."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        error = _head_error(scope) if scope["type"] == "http" else None
        await (error.response() if error else self._app)(scope, receive, send)


class BodyLimits:
    """Refuses bodies that are too large or take too long.

    Args:
        app: Answers the requests.
        max_bytes: Most bytes of a body, whether or not its length is declared.
        seconds: Longest time to read one.
        linger_seconds: Longest time to drop the rest of one.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int = MAX_BODY_BYTES,
        seconds: float = BODY_SECONDS,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._linger_seconds = linger_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _BoundedBody(receive, max_bytes=self._max_bytes, seconds=self._seconds)
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            body.refuse_size()
        else:
            await self._answer(body, scope, send)
        if body.error:
            await self._refuse(body, scope, receive, send)

    async def _answer(self, body: "_BoundedBody", scope: Scope, send: Send) -> None:
        """Run the application, and drop what it answers to a body that was refused."""

        async def send_unless_refused(message: Message) -> None:
            body.has_answer |= body.error is None
            if body.has_answer:
                await send(message)

        try:
            await self._app(scope, body.receive, send_unless_refused)
        except Exception:
            if body.error is None:
                raise

    async def _refuse(
        self, body: "_BoundedBody", scope: Scope, receive: Receive, send: Send
    ) -> None:
        assert body.error  # noqa: S101 - the caller looked

        async def send_all_but_the_end(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "more_body": True}
            await send(message)

        await body.error.response()(scope, receive, send_all_but_the_end)
        try:
            async with asyncio.timeout(self._linger_seconds):
                while not body.is_complete and (await receive()).get("more_body"):
                    pass
        except TimeoutError:
            pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _BoundedBody:
    """The body of one request, as the application receives it.

    Attributes:
        error: Why the body was refused; the application then sees a client that went away.
        has_answer: Whether the application's answer has begun, which no refusal can replace.
        is_complete: Whether its last byte was received.
    """

    def __init__(self, receive: Receive, *, max_bytes: int, seconds: float) -> None:
        self.error: ApiError | None = None
        self.has_answer = False
        self._receive = receive
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._deadline: float | None = None
        self._size_bytes = 0
        self.is_complete = False

    async def receive(self) -> Message:
        if self.is_complete or self.has_answer:
            return await self._receive()
        if self.error:
            return _DISCONNECT
        message = await self._before_the_deadline(self._receive)
        self.is_complete = self.error is None and not message.get("more_body", False)
        self._size_bytes += len(message.get("body", b""))
        if self._size_bytes > self._max_bytes:
            self.refuse_size()
        return _DISCONNECT if self.error else message

    def refuse_size(self) -> None:
        self.error = ApiError(
            413,
            f"the body is larger than {self._max_bytes // 2**20} MiB; send a shorter recording"
            " or text",
            code="body_too_large",
            headers=_CLOSE,
        )

    async def _before_the_deadline(self, receive: Callable[[], Awaitable[Message]]) -> Message:
        loop = asyncio.get_running_loop()
        self._deadline = self._deadline or loop.time() + self._seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                return await receive()
        except TimeoutError:
            self.error = ApiError(
                408,
                f"the body did not arrive within {self._seconds:g} s",
                code="body_too_slow",
                headers=_CLOSE,
            )
            return _DISCONNECT


def _head_error(scope: Scope) -> ApiError | None:
    url_bytes = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
    if url_bytes > MAX_URL_BYTES:
        return ApiError(
            414,
            f"the URL is longer than {MAX_URL_BYTES} bytes",
            code="url_too_long",
            headers=_CLOSE,
        )
    headers = scope["headers"]
    if len(headers) > MAX_HEADERS or sum(map(_size, headers)) > MAX_HEADER_BYTES:
        return ApiError(
            431,
            f"more than {MAX_HEADERS} headers, or more than {MAX_HEADER_BYTES} bytes of them",
            code="headers_too_large",
            headers=_CLOSE,
        )
    return None


def _size(header: tuple[bytes, bytes]) -> int:
    name, value = header
    return len(name) + len(value)
