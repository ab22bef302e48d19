"""Requests that a server has no room for, or no time."""

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from entrypoints.http.connections import CROWDED
from entrypoints.http.errors import RETRY, SERVER_ERROR, ApiError

_RETRY_SECONDS = 5
"""Seconds after which another process may have taken over, or a connection is free."""

PING = "/ping"
"""The route that load balancers ask, which has an answer at any load."""


class Availability:
    """Refuses requests while the server stops, or while it has too many connections.

    Args:
        app: Answers the requests.
        is_stopping: Whether the server was asked to stop.
    """

    def __init__(self, app: ASGIApp, *, is_stopping: Callable[[], bool]) -> None:
        self._app = app
        self._is_stopping = is_stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        error = self._error(scope) if scope["type"] == "http" else None
        answer: ASGIApp = error.response() if error else self._app
        if error and scope["path"] == PING:
            answer = Response(status_code=error.status)  # whose answers have no body
        await answer(scope, receive, send)

    def _error(self, scope: Scope) -> ApiError | None:
        if self._is_stopping():
            return _unavailable("the server stops; send the request again", "stopping")
        if CROWDED in scope.get("state", {}) and scope["path"] != PING:
            return _unavailable("the server has too many connections", "too_many_connections")
        return None


def _unavailable(message: str, code: str) -> ApiError:
    headers = {"Retry-After": str(_RETRY_SECONDS), "Connection": "close", **RETRY}
    return ApiError(503, message, code=code, kind=SERVER_ERROR, headers=headers)
