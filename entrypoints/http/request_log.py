"""What every response has: an id, headers for the browser, a line in the log."""

import re
import time
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.http.errors import BrokenOff, internal_error

log = structlog.get_logger()

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""An id of the caller's own that may stand in a log and in a header."""

_PAGE_POLICY = (
    "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""For everything else, which no browser should show as a page."""

_FOR_BROWSERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
}

CLIENT_GONE = 499
"""Status in the log of a request whose client went away before an answer; nginx's."""


class RequestLog:
    """Gives each request an id and its response headers, and logs how it ended.

    An exception that no handler answered is logged here, and answered where that is possible. A
    request that has an id is passed on: two servers may each wrap the same application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            BrokenOff: the response has begun and cannot be finished.
        """
        state = scope.setdefault("state", {}) if scope["type"] == "http" else {}
        if scope["type"] != "http" or "request_id" in state:
            await self._app(scope, receive, send)
            return
        state["request_id"] = request_id = _request_id(scope)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await _Request(scope, request_id, send).run(self._app, receive)


class _Request:
    def __init__(self, scope: Scope, request_id: str, send: Send) -> None:
        self._scope = scope
        self._id = request_id
        self._send = send
        self._status: int | None = None
        self._began = time.perf_counter()

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        try:
            await app(self._scope, receive, self.send)
        except BrokenOff:
            raise
        except Exception as error:
            log.exception("request_crashed")
            if self._status is not None:
                raise BrokenOff from error
            await internal_error(self._id).response()(self._scope, receive, self.send)
        finally:
            self._log_end()

    def _log_end(self) -> None:
        fields = {
            "method": self._scope["method"],
            "path": self._scope["path"],
            "status": self._status or CLIENT_GONE,
            "seconds": round(time.perf_counter() - self._began, 3),
        }
        if self._scope["path"] == "/ping" and fields["status"] < 400:
            log.debug("request_ended", **fields)  # load balancers ask every few seconds
        else:
            log.info("request_ended", **fields)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._add_headers(MutableHeaders(raw=message.setdefault("headers", [])))
        await self._send(message)

    def _add_headers(self, headers: MutableHeaders) -> None:
        headers["X-Request-Id"] = self._id
        path = self._scope["path"]
        is_page = path == "/" or path.startswith("/page/")
        headers.setdefault("Content-Security-Policy", _PAGE_POLICY if is_page else _DATA_POLICY)
        for name, value in _FOR_BROWSERS.items():
            headers.setdefault(name, value)


def _request_id(scope: Scope) -> str:
    """Return the id that the caller gave, if it is one, else a new one."""
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex
