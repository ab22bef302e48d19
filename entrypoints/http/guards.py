"""The order in which a request passes what may refuse it."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from entrypoints.http.access import KeyCheck, OriginCheck
from entrypoints.http.limits import BodyLimits, HeadLimits
from entrypoints.http.request_log import RequestLog
from entrypoints.settings.http import HttpSettings

_EXPOSED_HEADERS = ("X-Seed", "X-Sample-Rate", "X-Request-Id", "X-Ignored-Fields", "Retry-After")
"""Headers that pages of other origins may read."""


def install_guards(app: FastAPI, settings: HttpSettings) -> None:
    """Put limits, keys and request ids in front of every route.

    The last one that is added here is the first that a request passes. The body is read after the
    key was checked, and a browser's question whether it may send a request carries no key.
    """
    app.add_middleware(BodyLimits)
    app.add_middleware(
        KeyCheck, keys=settings.accepted_keys, has_public_lists=settings.public_voice_list
    )
    app.add_middleware(OriginCheck, allowed=settings.allowed_origins)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("*",),
            expose_headers=_EXPOSED_HEADERS,
        )
    app.add_middleware(HeadLimits)
    app.add_middleware(RequestLog)
