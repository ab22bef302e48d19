"""The real job handler on fakes without delay, and a check of its answers."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from dependency_injector import providers

from application.ports.speech_model import SpeechModel
from domain import errors
from domain.errors import LONGEST_ERROR
from entrypoints.container import Container
from entrypoints.settings.settings import WorkerSettings
from entrypoints.worker.job_handler import JobHandler
from tests.fakes.memory_store import MemoryStore
from tests.fakes.memory_voices import MemoryVoices
from tests.fakes.raw_codec import RawDecoder, RawEncoder, raw_recording

CODES = {
    kind.code
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.SpeechError)
} - {errors.INTERNAL_ERROR}
"""Codes of explained errors; ``internal_error`` is not among them."""

_ERROR = re.compile(rf"(?:{'|'.join(sorted(CODES))}): .+")
_LEAKS = ("Traceback", ".py", str(Path(__file__).parents[2]))


def container(model: SpeechModel, **settings: Any) -> Container:
    """Wire ``model`` to a store and voices in memory."""
    wired = Container(
        settings=WorkerSettings(object_store="filesystem", default_voice="alice", **settings)
    )
    second = (0.3 * np.sin(np.arange(16_000) / 10)).astype(np.float32)
    recording = raw_recording(second, 16_000)
    fakes = {
        "model": model,
        "store": MemoryStore(),
        "voices": MemoryVoices({"alice.wav": recording, "narrators/bob.wav": recording}),
        "decoder": RawDecoder(),
        "encoder": RawEncoder(),
    }
    for name, fake in fakes.items():
        getattr(wired, name).override(providers.Object(fake))
    return wired


async def answers(handler: JobHandler, job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return copies of all objects that a job yields, as RunPod's SDK would post them."""
    return [dict(answer) async for answer in handler.handle(job)]


def fault_in(given: list[dict[str, Any]]) -> str:
    """Return the fault in a job's answers, or an empty string.

    A job streams any number of pieces and ends with exactly one last object: a result or an error.
    """
    try:
        json.dumps(given, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as refusal:
        return f"cannot be sent: {refusal!r}"
    if not given:
        return "no answer"
    *pieces, last = given
    if any(piece.get("status") != "streaming" for piece in pieces):
        return "something follows the last object"
    if "error" not in last:
        return "no last object" if last.get("status") == "streaming" else ""
    error = last["error"]
    if list(last) != ["error"] or not isinstance(error, str):
        return "an error is one string"
    if not _ERROR.fullmatch(error):
        return f"not an explained error: {error[:200]!r}"
    if len(error) > LONGEST_ERROR:
        return f"an error of {len(error)} characters"
    return f"leaks {error[:200]!r}" if any(leak in error for leak in _LEAKS) else ""
