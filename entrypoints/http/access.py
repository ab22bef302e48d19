"""Who may ask: API keys, the Host header, and pages of other origins."""

import hmac
import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from entrypoints.http.errors import NO_RETRY, ApiError

ANY_ORIGIN = "*"

_READING = {"GET", "HEAD", "OPTIONS"}
_ALWAYS_PUBLIC = {"/", "/ping"}
_PAGE_FILES = "/page/"
_LISTS = {"/v1/models", "/v1/audio/models", "/v1/audio/voices"}
_MODELS = "/v1/models/"


class KeyCheck:
    """Asks for an API key where there are any, and where the route is not public.

    Args:
        app: Answers the requests.
        keys: The keys; none where no key is asked for.
        has_public_lists: Whether voices and models can be listed without one.
    """

    def __init__(self, app: ASGIApp, *, keys: Sequence[str], has_public_lists: bool) -> None:
        self._app = app
        self._keys = tuple(key.encode() for key in keys)
        self._has_public_lists = has_public_lists

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or self._may_pass(scope):
            await self._app(scope, receive, send)
            return
        error = ApiError(
            401,
            "the API key is missing or wrong; send it as Authorization: Bearer KEY or in X-API-Key",
            code="invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )
        await error.response()(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        if not self._keys or self._is_public(scope["method"], scope["path"]):
            return True
        return any(self._is_key(given) for given in _given_keys(Headers(scope=scope)))

    def _is_public(self, method: str, path: str) -> bool:
        if method not in _READING:
            return False
        if path in _ALWAYS_PUBLIC or path.startswith(_PAGE_FILES):
            return True
        return self._has_public_lists and (path in _LISTS or path.startswith(_MODELS))

    def _is_key(self, given: str) -> bool:
        """Compare with every key, so that the time tells nothing of any."""
        matches = [hmac.compare_digest(given.encode(), key) for key in self._keys]
        return any(matches)


class OriginCheck:
    """Refuses what a page of another origin wants to change or to have spoken.

    A browser sends such a request without asking first if it looks like a form's, and any page may
    do so. The answer is hidden from the page, but the speech would be paid for.

    Args:
        app: Answers the requests.
        allowed: Origins whose pages may do so; see ``CORS_ORIGINS``.
    """

    def __init__(self, app: ASGIApp, *, allowed: Sequence[str]) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] in _READING:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or self._is_allowed(origin) or _is_own_page(origin, headers):
            await self._app(scope, receive, send)
            return
        error = ApiError(
            403,
            "pages of this origin may not send requests; its operator can allow it by CORS_ORIGINS",
            code="origin_not_allowed",
            headers=NO_RETRY,
        )
        await error.response()(scope, receive, send)

    def _is_allowed(self, origin: str) -> bool:
        return ANY_ORIGIN in self._allowed or origin in self._allowed


class LoopbackHostCheck:
    """Refuses requests that name another host than this machine.

    The server that listens on loopback is meant for this machine alone. A page elsewhere can have
    its own name lead to 127.0.0.1 (DNS rebinding), but its requests then carry that name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or is_loopback(_host_of(Headers(scope=scope).get("host", ""))):
            await self._app(scope, receive, send)
            return
        error = ApiError(
            421,
            "the server listens for this machine alone: ask it as localhost, or have it listen at"
            " another HOST",
            code="wrong_host",
            headers=NO_RETRY,
        )
        await error.response()(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is a name or an address of the machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _given_keys(headers: Headers) -> list[str]:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return [key for key in (bearer, headers.get("x-api-key", "")) if key]


def _is_own_page(origin: str, headers: Headers) -> bool:
    """Return whether the page came from this server.

    A proxy may have replaced the Host header. Browsers tell the same in a header of their own,
    which no page can set.
    """
    if headers.get("sec-fetch-site") == "same-origin":
        return True
    host = headers.get("host", "")
    return bool(host) and urlsplit(origin).netloc.lower() == host.lower()


def _host_of(header: str) -> str:
    """Return the host of a Host header, without its port and an address's brackets."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""
