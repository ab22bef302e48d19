"""``POST /v1/audio/speech``."""

import time
import uuid

import structlog
from fastapi import APIRouter, Request, Response

from application.ports.speech_model import SpeechModel
from domain.errors import InvalidRequest
from entrypoints.engine.thread_stream import in_thread
from entrypoints.http.errors import ApiError
from entrypoints.http.metrics import SpeechMetrics
from entrypoints.http.speaking import Speaking
from entrypoints.http.speech_body import SpeechBody, parse_speech
from entrypoints.http.speech_response import SpeechResponse

_JSON = ("application/json", "text/json", "")
"""Types of a body that is read; clients without a type send JSON as well."""


def router(
    *, speaking: Speaking, model: SpeechModel, metrics: SpeechMetrics, max_text_chars: int
) -> APIRouter:
    """Return the route that speaks."""
    routes = APIRouter()
    body = {"content": {"application/json": {"schema": SpeechBody.model_json_schema()}}}

    @routes.post(
        "/v1/audio/speech",
        response_class=Response,
        openapi_extra={"requestBody": {"required": True, **body}},
    )
    async def create_speech(request: Request) -> Response:
        """Speak a text: the audio is sent while it is spoken."""
        began = time.perf_counter()
        try:
            _require_json(request)
            content = await request.body()
            order = await in_thread(lambda: parse_speech(content, max_text_chars=max_text_chars))
        except (ApiError, InvalidRequest) as error:
            metrics.ended(error.code)
            raise
        known = structlog.contextvars.get_contextvars().get("request_id")
        return SpeechResponse(
            order,
            request_id=str(known or uuid.uuid4().hex),
            speaking=speaking,
            model=model,
            metrics=metrics,
            began=began,
        )

    return routes


def _require_json(request: Request) -> None:
    """Refuse a body that says that it is something else.

    Raises:
        InvalidRequest: its type is not JSON's.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in _JSON and not content_type.endswith("+json"):
        raise InvalidRequest("body", "must be JSON, with Content-Type: application/json")
