"""The response to a request to speak: its head is sent with the first bytes of audio."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from application.ports.speech_model import SpeechModel
from application.speech_report import SpeechReport
from domain.audio import StreamFormat
from domain.errors import INTERNAL_ERROR, RecordingError, SpeechError
from domain.visible_text import escape_unseen
from entrypoints.engine.figures import figures
from entrypoints.http import events
from entrypoints.http.errors import ApiError, BrokenOff, api_error, internal_error
from entrypoints.http.metrics import SpeechMetrics
from entrypoints.http.outbox import ChunkStart, Item
from entrypoints.http.speaking import Speaking, Speech
from entrypoints.http.speech_body import SpeechOrder
from entrypoints.http.spoken_items import output_rate_hz

log = structlog.get_logger()

LONGEST_STALL_SECONDS = 600.0
"""Longest time in which a reader may take nothing: a person may pause the player for a while."""

MOST_NAMES = 20
"""Ignored fields that a header names; it counts the others."""
LONGEST_NAME = 64
"""Characters of such a name."""

_CONTENT_TYPES = {
    StreamFormat.MP3: "audio/mpeg",
    StreamFormat.OPUS: "audio/ogg",
    StreamFormat.AAC: "audio/aac",
    StreamFormat.FLAC: "audio/flac",
    StreamFormat.WAV: "audio/wav",
}


class SpeechResponse(Response):
    """Speaks ``order`` while it is sent; a client that goes away ends the speech.

    Args:
        order: The request.
        request_id: Names the request in logs and headers.
        speaking: Speaks it.
        model: The engine, for what an error says of it.
        metrics: Learns how the request ended.
        began: When the request came, by ``time.perf_counter``.
    """

    def __init__(
        self,
        order: SpeechOrder,
        *,
        request_id: str,
        speaking: Speaking,
        model: SpeechModel,
        metrics: SpeechMetrics,
        began: float,
    ) -> None:
        super().__init__()
        self._order = order
        self._request_id = request_id
        self._speaking = speaking
        self._model = model
        self._metrics = metrics
        self._began = began
        self._first_bytes_seconds = 0.0
        self._has_head = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response.

        Raises:
            ApiError: the speech failed before its first bytes.
            BrokenOff: it failed later, and the bytes cannot tell it.
        """
        async with self._speaking.speech(self._order, self._request_id) as speech:
            sending = asyncio.create_task(self._send_all(speech, send))
            going = asyncio.create_task(_until_gone(receive))
            try:
                await asyncio.wait({sending, going}, return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    await sending
                else:
                    self._end("cancelled", speech)
            finally:
                going.cancel()
                sending.cancel()

    async def _send_all(self, speech: Speech, send: Send) -> None:
        try:
            async with aclosing(speech.outbox.items()) as items:
                await self._send_items(items, speech, send)
        except SpeechError as error:
            self._end(error.code, speech, error=error)
            await self._fail(self._explained(error), send, error)
        except ApiError as error:
            self._end(error.code, speech)
            await self._fail(error, send, error)
        except (TimeoutError, OSError):
            self._end("cancelled", speech)
            raise BrokenOff from None
        except Exception as error:
            log.exception("speech_crashed")
            self._end(INTERNAL_ERROR, speech)
            await self._fail(internal_error(self._request_id), send, error)

    async def _send_items(
        self, items: AsyncGenerator[Item, None], speech: Speech, send: Send
    ) -> None:
        before = b""
        async for item in items:
            if isinstance(item, bytes):
                if not self._has_head:
                    await self._send_head(speech, send)
                piece = events.delta(item) if self._order.is_sse else item
                await _send_body(before + piece, send)
                before = b""
            elif not self._order.is_sse:
                if isinstance(item, SpeechReport):
                    self._end("completed", speech, report=item)
            elif isinstance(item, ChunkStart):
                before += events.chunk(item)
            else:
                self._end("completed", speech, report=item)
                before += events.done(item)
        await _send_body(before, send, is_last=True)

    async def _send_head(self, speech: Speech, send: Send) -> None:
        self._first_bytes_seconds = time.perf_counter() - self._began
        self._metrics.first_audio(self._first_bytes_seconds)
        self._has_head = True
        assert speech.utterance  # noqa: S101 - it is there before the first item
        rate_hz = output_rate_hz(self._order) or speech.utterance.sample_rate_hz
        headers = {
            "Content-Type": _content_type(self._order, rate_hz),
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
            "X-Seed": str(speech.utterance.seed),
            "X-Sample-Rate": str(rate_hz),
        }
        if self._order.ignored:
            headers["X-Ignored-Fields"] = _listed(self._order.ignored)
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (name.lower().encode(), _latin(text)) for name, text in headers.items()
                ],
            }
        )

    async def _fail(self, error: ApiError, send: Send, cause: Exception) -> None:
        """Answer with ``error``, send its event, or break off the bytes."""
        if not self._has_head:
            raise error from cause
        if not self._order.is_sse:
            raise BrokenOff from cause
        await _send_body(events.failed(error), send, is_last=True)

    def _explained(self, error: SpeechError) -> ApiError:
        param = self._field_of(error) if isinstance(error, RecordingError) else None
        explained = api_error(error, model=self._model, param=param)
        explained.param = explained.param and self._order.named(explained.param)
        return explained

    def _field_of(self, error: RecordingError) -> str:
        job = self._order.job
        if error.concerns_emotion:
            return "emo_audio_prompt" if job.emo_audio is None else "emo_audio"
        if job.speaker_audio is not None:
            return "speaker_audio"
        return "voice" if job.speaker_voice is None else "speaker_voice"

    def _end(
        self,
        outcome: str,
        speech: Speech,
        *,
        report: SpeechReport | None = None,
        error: SpeechError | None = None,
    ) -> None:
        self._metrics.ended(outcome)
        waited = round(speech.waited_seconds, 3)
        if report:
            self._metrics.spoken(report)
            log.info(
                "speech_finished",
                **figures(report),
                waited=waited,
                first_bytes=round(self._first_bytes_seconds, 3),
            )
        elif outcome == "cancelled":
            log.info("speech_cancelled", waited=waited)
        else:
            log.warning("speech_failed", error=str(error or outcome), waited=waited)


def _content_type(order: SpeechOrder, rate_hz: int) -> str:
    if order.is_sse:
        return "text/event-stream; charset=utf-8"
    if order.stream_format is StreamFormat.PCM:
        return f"audio/pcm;rate={rate_hz};channels=1"
    return _CONTENT_TYPES[order.stream_format]


def _listed(names: Sequence[str]) -> str:
    """Return ``names`` as the value of a header, which a name must not be able to end."""
    shown = [escape_unseen(name[:LONGEST_NAME]) for name in names[:MOST_NAMES]]
    more = [f"and {len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return ", ".join(shown + more)


def _latin(text: str) -> bytes:
    return text.encode("latin-1", "backslashreplace")


async def _send_body(content: bytes, send: Send, *, is_last: bool = False) -> None:
    async with asyncio.timeout(LONGEST_STALL_SECONDS):
        await send({"type": "http.response.body", "body": content, "more_body": not is_last})


async def _until_gone(receive: Receive) -> None:
    """Return when the client has closed the connection; the body was read before."""
    while (await receive())["type"] != "http.disconnect":
        pass
