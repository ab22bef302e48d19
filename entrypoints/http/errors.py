"""Errors as OpenAI's clients read them: a status, and one object that names code and field.

The clients repeat a request that ended with 408, 409, 429 or 500 and above, twice, unless the
header ``x-should-retry`` says ``false``. Repeating a failed synthesis would cost its GPU time
again.
"""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from application.ports.speech_model import ModelState, SpeechModel
from domain.errors import (
    INTERNAL_ERROR,
    BadReference,
    Cancelled,
    Conflict,
    InvalidRequest,
    ModelUnavailable,
    OutOfMemory,
    SpeechError,
    StorageFailed,
    UnknownVoice,
)

log = structlog.get_logger()

INVALID_REQUEST = "invalid_request_error"
RATE_LIMIT = "rate_limit_error"
SERVER_ERROR = "server_error"

RETRY = {"x-should-retry": "true"}
NO_RETRY = {"x-should-retry": "false"}

LOADING_RETRY_SECONDS = 10
"""Seconds after which a request that met a loading model may be sent again."""
UNAVAILABLE_RETRY_SECONDS = 60
"""Seconds after which a request may be sent again where the model needs an operator."""

_STATUSES: dict[type[SpeechError], int] = {
    InvalidRequest: 400,
    UnknownVoice: 400,
    BadReference: 400,
    Conflict: 409,
    ModelUnavailable: 503,
    OutOfMemory: 503,
    StorageFailed: 502,
    Cancelled: 499,
}
"""Statuses of errors; 500 for every other. 499 is nginx's, for a client that went away."""


class BrokenOff(Exception):
    """A response whose head was sent cannot be finished: its connection has to be closed.

    A body that ended in order would look like the whole speech.
    """


class ApiError(Exception):
    """An error with its HTTP status.

    Args:
        param: The field of the request that caused it.
        code: What a program tells errors apart by.
        kind: OpenAI's ``type`` of errors.
        headers: Headers of the response.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        param: str | None = None,
        kind: str = INVALID_REQUEST,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, str | None]:
        """The ``error`` of the response's object, with OpenAI's four fields."""
        return {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }

    def response(self) -> JSONResponse:
        """Return the response, which is an ASGI application as well."""
        return JSONResponse({"error": self.body}, self.status, headers=self.headers)


def api_error(
    error: SpeechError, *, model: SpeechModel | None = None, param: str | None = None
) -> ApiError:
    """Return ``error`` with its status, and with whether a client should send the request again.

    Args:
        error: What went wrong.
        model: The model; while it loads, a request is worth repeating soon.
        param: The field that the error concerns, where the error does not name one.
    """
    if isinstance(error, InvalidRequest):
        param = error.problems[0][0]
    status = next((_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES), 500)
    return ApiError(
        status,
        error.message,
        code=error.code,
        param=param,
        kind=INVALID_REQUEST if status < 500 else SERVER_ERROR,
        headers=_retry_headers(error, status, model),
    )


def internal_error(request_id: str) -> ApiError:
    """Return the error of a fault in this program, which tells nothing but where to look."""
    return ApiError(
        500,
        f"a fault in the server; its log has it under request {request_id}",
        code=INTERNAL_ERROR,
        kind=SERVER_ERROR,
        headers=NO_RETRY,
    )


def install_error_handlers(app: FastAPI) -> None:
    """Answer every exception that a route raises with OpenAI's error object."""

    def known(_: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)  # noqa: S101 - handlers take any Exception by type
        return error.response()

    def speech(_: Request, error: Exception) -> Response:
        assert isinstance(error, SpeechError)  # noqa: S101 - as above
        return api_error(error).response()

    def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        codes = {404: "not_found", 405: "method_not_allowed"}
        sentences = {
            404: "there is no such route",
            405: "the route does not take this method",
        }
        return ApiError(
            error.status_code,
            sentences.get(error.status_code, str(error.detail)),
            code=codes.get(error.status_code, "invalid_request"),
            headers=dict(error.headers or {}),
        ).response()

    def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
        [first, *_rest] = error.errors()
        field = ".".join(str(part) for part in first["loc"][1:])
        return ApiError(
            400, f"{field}: {first['msg']}", code="invalid_request", param=field or None
        ).response()

    def fault(_: Request, error: Exception) -> Response:
        request_id = str(structlog.contextvars.get_contextvars().get("request_id", "unknown"))
        if not isinstance(error, BrokenOff):  # which was intended, and told where it began
            log.error("request_crashed", exc_info=error)
        return internal_error(request_id).response()

    app.add_exception_handler(ApiError, known)
    app.add_exception_handler(SpeechError, speech)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, fault)


def _retry_headers(error: SpeechError, status: int, model: SpeechModel | None) -> dict[str, str]:
    if isinstance(error, ModelUnavailable):
        is_loading = model is not None and model.status().state is ModelState.LOADING
        seconds = LOADING_RETRY_SECONDS if is_loading else UNAVAILABLE_RETRY_SECONDS
        return {"Retry-After": str(seconds), **(RETRY if is_loading else NO_RETRY)}
    if isinstance(error, OutOfMemory):
        return {"Retry-After": str(LOADING_RETRY_SECONDS), **RETRY}
    return NO_RETRY if status >= 409 else {}
