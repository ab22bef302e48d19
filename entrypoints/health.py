"""The answer to ``health_check``: whether a worker could speak now."""

import asyncio
from collections.abc import Callable
from importlib.metadata import version
from typing import Literal, TypeVar

from application.ports.speech_model import ModelState, ModelStatus, SpeechModel
from application.ports.storage import ObjectStore
from application.ports.voices import VoiceRepository
from entrypoints.engine.thread_stream import in_thread
from entrypoints.results import Answer

AnswerT = TypeVar("AnswerT")

TIME_LIMIT_SECONDS = 1.5
"""Seconds that the store and the voices have to answer; the API promises health within two."""

HealthStatus = Literal["healthy", "loading", "degraded", "unhealthy"]
ModelStateName = Literal[
    "missing_package", "missing_weights", "no_gpu", "not_loaded", "loading", "ready", "failed"
]


class HealthWeights(Answer):
    """Bytes of the weights that are here and that there will be; both 0 until that is known."""

    done_bytes: int
    total_bytes: int


class HealthModel(Answer):
    """How far the speech model is from speaking; ``weights`` are told while they come."""

    state: ModelStateName
    missing_files: list[str]
    weights: HealthWeights | None = None


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
    ModelState.NOT_LOADED: "loading",  # a worker starts to load with its first look for a job
}


async def health(*, model: SpeechModel, store: ObjectStore, voices: VoiceRepository) -> Health:
    """Return the answer to ``health_check``, without inference.

    A store that does not answer in time counts as not reachable, a folder of voices as empty.
    """
    found, reachable, count = await asyncio.gather(
        in_thread(model.status),
        _within_limit(store.is_reachable, otherwise=False),
        _within_limit(lambda: len(voices.list()), otherwise=0),
    )
    return Health(
        status=_status(found, is_store_reachable=reachable),
        engine=model.info.name,
        device=model.info.device,
        model=_model(found),
        storage=HealthStorage(kind=store.kind, reachable=reachable),
        voices=HealthVoices(count=count),
        version=version("indextts-runpod"),
    )


def _model(found: ModelStatus) -> HealthModel:
    coming = found.weights
    return HealthModel(
        state=found.state.value,
        missing_files=list(found.missing_files),
        weights=HealthWeights(done_bytes=coming.done, total_bytes=coming.total) if coming else None,
    )


def _status(found: ModelStatus, *, is_store_reachable: bool) -> HealthStatus:
    status = _STATUS.get(found.state, "unhealthy")
    return "degraded" if status == "healthy" and not is_store_reachable else status


async def _within_limit(question: Callable[[], AnswerT], *, otherwise: AnswerT) -> AnswerT:
    try:
        return await asyncio.wait_for(in_thread(question), TIME_LIMIT_SECONDS)
    except TimeoutError:
        return otherwise
