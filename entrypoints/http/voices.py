"""The voices: listed, heard, added and removed."""

import hashlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response

from application.ports.voices import VoiceReader
from application.references import References, VoiceEntry
from application.voice_library import VoiceLibrary
from domain.errors import UnknownVoice
from domain.recording_kind import media_type_of
from entrypoints.engine.thread_stream import in_thread
from entrypoints.http.errors import api_error
from entrypoints.http.voice_upload import NewVoice, add_voice, read_upload

ResultT = TypeVar("ResultT")


def router(
    *,
    names: VoiceReader,
    references: References,
    library: VoiceLibrary,
    other_names: Callable[[], Mapping[str, Sequence[str]]],
    aliases: Collection[str],
) -> APIRouter:
    """Return the routes of voices.

    Args:
        names: Finds a voice by any of its names.
        references: Lists the voices and checks recordings.
        library: Adds and removes voices.
        other_names: Returns the further names of each voice.
        aliases: Names that the operator gave to voices; no upload gets one.
    """
    routes = APIRouter()

    @routes.get("/v1/audio/voices")
    async def list_voices() -> dict[str, Any]:
        """List the voices; ``voices`` is what Open WebUI reads, ``data`` the same for others."""
        entries, others = await in_thread(lambda: (list(references.entries()), other_names()))
        found = [_described(entry, others.get(entry.name, ())) for entry in entries]
        return {"object": "list", "data": found, "voices": found}

    @routes.get("/v1/audio/voices/{name:path}/recording", response_class=Response)
    async def get_recording(name: str, request: Request) -> Response:
        """Send the recording of a voice."""
        content = (await _found(lambda: names.read(name))).content
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=media_type_of(content))

    @routes.post("/v1/audio/voices")
    async def create_voice(request: Request) -> dict[str, Any]:
        """Add the voice of a person who agreed to it."""
        upload = await read_upload(request)
        added = await in_thread(
            lambda: add_voice(upload, references=references, library=library, aliases=aliases)
        )
        return _created(added)

    @routes.delete("/v1/audio/voices/{name:path}")
    async def delete_voice(name: str) -> dict[str, Any]:
        """Remove a voice with all its recordings."""
        removed = await _found(lambda: library.remove(name))
        return {"object": "audio.voice", "id": removed, "deleted": True}

    return routes


async def _found(question: Callable[[], ResultT]) -> ResultT:
    """Return the answer of ``question``, asked in a thread.

    Raises:
        ApiError: 404, where it raises UnknownVoice: the URL names what is not there.
    """
    try:
        return await in_thread(question)
    except UnknownVoice as error:
        missing = api_error(error, param="name")
        missing.status = 404
        raise missing from error


def _described(entry: VoiceEntry, aliases: Sequence[str]) -> dict[str, Any]:
    return {
        "id": entry.name,
        "name": entry.name,
        "object": "audio.voice",
        "duration": round(entry.duration_seconds, 3),
        **({"aliases": list(aliases)} if aliases else {}),
        **({"problem": entry.problem} if entry.problem else {}),
    }


def _created(added: NewVoice) -> dict[str, Any]:
    return {
        "object": "audio.voice",
        "id": added.name,
        "name": added.name,
        "created_at": int(time.time()),
        "duration": round(added.used_seconds, 3),
        "warnings": list(added.warnings),
    }
