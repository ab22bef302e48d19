"""Server-sent events of a speech, as OpenAI's API names them."""

import base64
import json
import math
from typing import Any

from application.speech_report import SpeechReport
from entrypoints.http.errors import ApiError
from entrypoints.http.outbox import ChunkStart

CODES_A_SECOND = 50
"""Semantic codes of a second of audio, about: the output tokens of a speech."""


def delta(content: bytes) -> bytes:
    """Return the event of the next bytes; base64 needs no escapes in JSON."""
    return b'data: {"type":"speech.audio.delta","audio":"%b"}\n\n' % base64.b64encode(content)


def chunk(start: ChunkStart) -> bytes:
    """Return the event of a chunk that begins; OpenAI has none, and its clients pass over it."""
    return _event(
        "speech.audio.chunk", index=start.index, text=start.text, start=round(start.start, 3)
    )


def done(report: SpeechReport) -> bytes:
    """Return the event of the end.

    ``usage`` counts characters as input tokens, and as output tokens ``CODES_A_SECOND``.
    """
    spoken = math.ceil(report.duration_seconds * CODES_A_SECOND)
    usage = {
        "input_tokens": report.characters,
        "output_tokens": spoken,
        "total_tokens": report.characters + spoken,
    }
    return _event("speech.audio.done", usage=usage, segments=_segments(report))


def failed(error: ApiError) -> bytes:
    """Return the event that takes the place of the end."""
    return _event("speech.audio.error", error=error.body)


def _segments(report: SpeechReport) -> list[dict[str, Any]]:
    return [
        {
            "id": chunk.index,
            "start": round(chunk.start, 6),
            "end": round(chunk.end, 6),
            "text": chunk.text,
            "voice": report.speaker_voice,
        }
        for chunk in report.chunks
    ]


def _event(kind: str, **fields: Any) -> bytes:
    content = json.dumps({"type": kind} | fields, ensure_ascii=False, separators=(",", ":"))
    return f"data: {content}\n\n".encode()
