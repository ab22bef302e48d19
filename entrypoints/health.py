"""Whether a worker can work, without working."""

import asyncio
from collections.abc import Callable
from importlib.metadata import version
from typing import Literal, TypeVar

from application.ports.speech_model import ModelState, ModelStatus, SpeechModel
from application.ports.storage import ObjectStore
from application.ports.voices import VoiceRepository
from entrypoints.results import Answer
from entrypoints.worker.thread_stream import in_thread

AnswerT = TypeVar("AnswerT")

PATIENCE_SECONDS = 1.5
"""An answer is promised within two; a store that has not answered by then is not reachable."""

HealthStatus = Literal["healthy", "loading", "degraded", "unhealthy"]
ModelStateName = Literal[
    "missing_package", "missing_weights", "no_gpu", "not_loaded", "loading", "ready", "failed"
]


class HealthModel(Answer):
    """How far the speech model is from speaking."""

    state: ModelStateName
    missing_files: list[str]


class HealthStorage(Answer):
    """Where finished files go, and whether one could be stored now."""

    kind: str
    reachable: bool


class HealthVoices(Answer):
    """The recordings that can be named."""

    count: int


class Health(Answer):
    """Whether the worker can work."""

    status: HealthStatus
    engine: str
    device: str
    model: HealthModel
    storage: HealthStorage
    voices: HealthVoices
    version: str


_STATUS: dict[ModelState, HealthStatus] = {
    ModelState.READY: "healthy",
    ModelState.LOADING: "loading",
    ModelState.NOT_LOADED: "loading",  # a worker loads at start: it is about to
}


async def health(*, model: SpeechModel, store: ObjectStore, voices: VoiceRepository) -> Health:
    """The answer to ``health_check``; runs no inference."""
    found, reachable, count = await asyncio.gather(
        in_thread(model.status),
        _within_patience(store.is_reachable, otherwise=False),
        _within_patience(lambda: len(voices.list()), otherwise=0),
    )
    return Health(
        status=_status(found, is_store_reachable=reachable),
        engine=model.info.name,
        device=model.info.device,
        model=HealthModel(state=found.state.value, missing_files=list(found.missing_files)),
        storage=HealthStorage(kind=store.kind, reachable=reachable),
        voices=HealthVoices(count=count),
        version=version("indextts-runpod"),
    )


def _status(found: ModelStatus, *, is_store_reachable: bool) -> HealthStatus:
    status = _STATUS.get(found.state, "unhealthy")
    return "degraded" if status == "healthy" and not is_store_reachable else status


async def _within_patience(ask: Callable[[], AnswerT], *, otherwise: AnswerT) -> AnswerT:
    try:
        return await asyncio.wait_for(in_thread(ask), PATIENCE_SECONDS)
    except TimeoutError:
        return otherwise
