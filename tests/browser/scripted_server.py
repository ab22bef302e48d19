"""The HTTP API as far as the page uses it, with a voice of tones that follows words in the text.

``GATE``    waits until the gate's file exists
``FOREVER`` speaks without end
``BREAK``   breaks off the connection in the middle

Usage: ``python -m tests.browser.scripted_server PORT GATE``
"""

import asyncio
import base64
import io
import itertools
import json
import re
import sys
import time
import wave
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response, StreamingResponse

from entrypoints.http.errors import ApiError, install_error_handlers
from entrypoints.http.page import router

RATE_HZ = 24_000
SECONDS_A_CHARACTER = 0.06


def scripted_app(gate: Path) -> FastAPI:
    """Return the application; it speaks one request at a time, as the engine does."""
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(router())
    engine = asyncio.Lock()
    voices = [_voice("default", 4.5), _voice("alice", 6.0)]

    @app.get("/health")
    def health() -> dict[str, Any]:
        model = {"state": "ready", "missing_files": []}
        return {"status": "healthy", "engine": "scripted", "device": "cpu", "model": model}

    @app.get("/v1/audio/voices")
    def listed() -> dict[str, Any]:
        return {"object": "list", "data": voices, "voices": voices}

    @app.get("/v1/audio/voices/{name:path}/recording")
    def recording(name: str) -> Response:
        return Response(_wav(_tone("a recording")), media_type="audio/wav")

    @app.post("/v1/audio/voices")
    async def add(request: Request) -> JSONResponse:
        form = await request.form()
        name, sample = form["name"], form["audio_sample"]
        assert isinstance(name, str)
        assert isinstance(sample, UploadFile)
        if ":" in name:
            raise ApiError(
                400, "name: has a character that no name may have", code="invalid", param="name"
            )
        assert form["consent"] == "true"
        assert await sample.read()
        voices.append(_voice(name, 3.2))
        return JSONResponse(voices[-1], 201)

    @app.post("/v1/audio/speech")
    async def speech(request: Request) -> Response:
        body = await request.json()
        if not re.search(r"\w", body["input"]):
            raise ApiError(
                400, "input: has nothing to speak", code="invalid_request", param="input"
            )
        if body["response_format"] != "pcm":
            return Response(b"another format", media_type="audio/mpeg")
        return StreamingResponse(
            _spoken(body["input"], engine=engine, gate=gate), media_type="text/event-stream"
        )

    return app


async def _spoken(text: str, *, engine: asyncio.Lock, gate: Path) -> AsyncGenerator[bytes, None]:
    segments: list[dict[str, Any]] = []
    start = 0.0
    async with engine:
        for index, chunk in enumerate(re.split(r"(?<=\.)\s+", text)):
            if "GATE" in chunk:
                await asyncio.to_thread(_wait_for, gate)
            yield _event("chunk", index=index, text=chunk, start=start)
            samples = _tone(chunk)
            for _ in itertools.count() if "FOREVER" in chunk else range(1):
                yield _event("delta", audio=base64.b64encode(samples[:-1]).decode())
                yield _event("delta", audio=base64.b64encode(samples[-1:]).decode())
                await asyncio.sleep(0.05)
            if "BREAK" in chunk:
                raise ConnectionResetError
            seconds = len(samples) / 2 / RATE_HZ
            segments.append({"id": index, "start": start, "end": start + seconds, "text": chunk})
            start += seconds
        usage = {"input_tokens": len(text), "output_tokens": 1, "total_tokens": len(text) + 1}
        yield _event("done", usage=usage, segments=segments)


def _wait_for(gate: Path) -> None:
    """Return when another process has made the file."""
    while not gate.exists():
        time.sleep(0.02)


def _event(kind: str, **fields: Any) -> bytes:
    return f"data: {json.dumps({'type': f'speech.audio.{kind}'} | fields)}\n\n".encode()


def _voice(name: str, duration: float) -> dict[str, Any]:
    return {"id": name, "name": name, "object": "audio.voice", "duration": duration}


def _tone(text: str) -> bytes:
    count = int(len(text) * SECONDS_A_CHARACTER * RATE_HZ)
    content: bytes = (9000 * np.sin(np.arange(count) * 0.05)).astype("<i2").tobytes()
    return content


def _wav(samples: bytes) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples)
    return content.getvalue()


if __name__ == "__main__":
    uvicorn.run(
        scripted_app(Path(sys.argv[2])), host="127.0.0.1", port=int(sys.argv[1]), log_level="error"
    )
