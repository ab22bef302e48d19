"""The HTTP application: every route, around the use case that worker and command line use."""

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from fastapi import APIRouter, FastAPI

from domain.errors import SpeechError
from entrypoints.container import Container
from entrypoints.engine.faults import is_worker_fault
from entrypoints.engine.timed_jobs import TimedJobs
from entrypoints.health import health
from entrypoints.http import models, page, speech, status, voices
from entrypoints.http.admission import Admission
from entrypoints.http.errors import install_error_handlers
from entrypoints.http.guards import install_guards
from entrypoints.http.metrics import SpeechMetrics
from entrypoints.http.model_watch import ModelWatch
from entrypoints.http.runpod_limit import RunpodLimit, is_behind_load_balancer
from entrypoints.http.speaking import Speaking
from entrypoints.http.start import Start

RELEASE_SECONDS = 60.0
"""Longest time that a cancelled request may hold the engine: many times what a GPU takes for a
part, which is never interrupted."""


def build_app(container: Container, *, on_fault: Callable[[], None] = lambda: None) -> FastAPI:
    """Build the application of the parts in ``container``; its lifespan loads the model.

    ``app.state.admission`` refuses new requests once it is closed.

    Args:
        container: The parts.
        on_fault: Called after an error after which the process should be replaced.
    """
    settings = container.settings()
    metrics = SpeechMetrics(engine=container.model().info.name)
    admission = Admission(most_waiting=settings.max_queued_requests, metrics=metrics)
    start = Start(container)
    app = FastAPI(title="indextts-runpod", docs_url=None, redoc_url=None, lifespan=_lifespan(start))
    app.state.admission = admission
    install_error_handlers(app)
    install_guards(app, settings)
    app.include_router(
        speech.router(
            speaking=_speaking(container, admission, metrics, on_fault),
            model=container.model(),
            metrics=metrics,
            max_text_chars=settings.max_text_chars,
        )
    )
    app.include_router(models.router())
    app.include_router(_status_routes(container, start, metrics))
    app.include_router(_voices_routes(container))
    app.include_router(page.router())
    return app


def _speaking(
    container: Container,
    admission: Admission,
    metrics: SpeechMetrics,
    on_fault: Callable[[], None],
) -> Speaking:
    model = container.model()
    return Speaking(
        speak=container.http_speak(),
        encoder=container.stream_encoder(),
        model=model,
        jobs=TimedJobs(
            model=model,
            timeout_seconds=container.settings().job_timeout_seconds,
            release_seconds=RELEASE_SECONDS,
        ),
        admission=admission,
        metrics=metrics,
        is_fault=partial(_is_fault, container),
        on_fault=on_fault,
        limit=RunpodLimit() if is_behind_load_balancer(os.environ) else None,
    )


def _status_routes(container: Container, start: Start, metrics: SpeechMetrics) -> APIRouter:
    model, memory = container.model(), container.device_memory()
    return status.router(
        watch=ModelWatch(model, start=start),
        health=partial(health, model=model, store=container.store(), voices=container.voices()),
        metrics=metrics,
        device_memory=lambda: memory(model.info.device),
    )


def _voices_routes(container: Container) -> APIRouter:
    return voices.router(
        names=container.http_voices(),
        references=container.http_references(),
        library=container.voice_library(),
        other_names=container.http_folder_voices().other_names,
        aliases=container.settings().voice_aliases,
    )


def _is_fault(container: Container, error: SpeechError) -> bool:
    return is_worker_fault(error, container.model())


def _lifespan(start: Start) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        start.begin()
        yield

    return lifespan
