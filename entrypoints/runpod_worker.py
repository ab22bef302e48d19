"""The worker on RunPod Serverless: ``python -m entrypoints.runpod_worker [--warmup]``."""

import argparse
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from application.ports.speech_model import ModelState
from domain.errors import SpeechError
from entrypoints.container import Container
from entrypoints.engine.faults import is_worker_fault
from entrypoints.exit_codes import WRONG_USAGE, SettingsError, complain
from entrypoints.health import Health, health
from entrypoints.installation import install_advice
from entrypoints.leaving import leave_threads_behind
from entrypoints.logs import configure_logs
from entrypoints.settings.settings import WorkerSettings, load_settings
from entrypoints.worker.job_handler import JobHandler
from entrypoints.worker.job_store import JobStores, speak_into
from entrypoints.worker.progress import ProgressReporter
from entrypoints.worker.sdk_progress import send_progress
from entrypoints.worker.speech_jobs import SpeechJobs
from entrypoints.worker.startup import load, prepare, require_fitness, tell_unfinished
from entrypoints.worker.stopping import Stopping

JOB_SOURCE = "RUNPOD_WEBHOOK_GET_JOB"
"""Name of the variable that RunPod sets wherever a worker has jobs to take."""

RESULT_TARGET = "RUNPOD_WEBHOOK_POST_OUTPUT"
"""Name of the variable that RunPod sets wherever results, and progress, can be posted."""

RELEASE_SECONDS = 60.0
"""Longest time that a cancelled job may hold the engine: many times what a GPU takes for a chunk,
which is never interrupted."""


def main(container: Container | None = None) -> None:
    """Take jobs until the process is stopped; unknown arguments are left to RunPod's SDK.

    ``container`` replaces the one that the environment describes.
    """
    options = _options()
    try:
        _run(
            container or Container(settings=load_settings(WorkerSettings)),
            is_local=options.rp_serve_api,
            warms_up=options.warmup,
        )
    except SettingsError as error:
        sys.exit(complain(str(error), WRONG_USAGE))


def serve_jobs(container: Container, *, keeps_audio: bool = False, warms_up: bool = False) -> None:
    """Hand the handler to RunPod's SDK, which reads ``sys.argv`` and runs until it is stopped.

    The model loads, and its weights come, while the first jobs are taken already: they wait for it,
    and ``health_check`` reports it. Loading starts with the SDK's first look for a job. Before that
    the SDK forks the process that pings, and a fork while other threads load may hang.

    Args:
        container: The parts of the worker.
        keeps_audio: See ``JobHandler``.
        warms_up: Speak once as soon as the model is loaded.

    Raises:
        SettingsError: the SDK is not installed.
    """
    serverless = _sdk()
    loading = threading.Thread(
        target=partial(load, container, warms_up=warms_up), name="loading", daemon=True
    )
    stopping = Stopping()

    def start_loading_and_allow_one_job(_: int) -> int:
        if loading.ident is None:
            stopping.watch()  # the SDK has its own handler now
            loading.start()
        return 1

    config: dict[str, Any] = {
        "return_aggregate_stream": True,
        "concurrency_modifier": start_loading_and_allow_one_job,
    }
    handler = job_handler(
        container,
        keeps_audio=keeps_audio,
        recycle=lambda: config.update(refresh_worker=True),
        progress=ProgressReporter(send_progress) if os.environ.get(RESULT_TARGET) else None,
        stopping=stopping,
    )
    config["handler"] = handler.handle

    def can_work() -> None:  # the SDK takes no callable without a name
        require_fitness(container)

    serverless.register_fitness_check(can_work)
    serverless.start(config)


def job_handler(
    container: Container,
    *,
    recycle: Callable[[], None],
    stopping: Stopping | None = None,
    keeps_audio: bool = False,
    release_seconds: float = RELEASE_SECONDS,
    progress: ProgressReporter | None = None,
) -> JobHandler:
    """Build the handler of a worker from the parts of ``container``; see ``JobHandler``."""
    settings, model = container.settings(), container.model()

    def check_health() -> Awaitable[Health]:
        return health(model=model, store=container.store(), voices=container.voices())

    def is_fault(error: SpeechError) -> bool:
        return is_worker_fault(error, model)

    return JobHandler(
        speech=SpeechJobs(
            speak=container.speak(),
            model=model,
            stopping=stopping or Stopping(),
            timeout_seconds=settings.job_timeout_seconds,
            release_seconds=release_seconds,
            progress=progress,
        ),
        stores=JobStores(partial(speak_into, container) if settings.allow_job_s3 else None),
        references=container.references(),
        health=check_health,
        max_text_chars=settings.max_text_chars,
        is_worker_fault=is_fault,
        recycle=recycle,
        keeps_audio=keeps_audio,
    )


def _run(container: Container, *, is_local: bool, warms_up: bool) -> None:
    configure_logs(container.settings())
    if not is_local and not os.environ.get(JOB_SOURCE):
        raise SettingsError(
            "RunPod gives no jobs here; to try it, use: indextts-runpod serve --runpod"
        )
    prepare(container)
    is_complete = container.model().status().state is not ModelState.MISSING_WEIGHTS
    if warms_up and is_complete:
        load(container, warms_up=True)
    serve_jobs(container, warms_up=warms_up and not is_complete)
    tell_unfinished(container)
    leave_threads_behind()  # and the SDK's process that pings, which would outlive the worker


def _sdk() -> Any:
    """Return the module ``runpod.serverless``.

    Raises:
        SettingsError: the SDK is not installed.
    """
    os.environ.setdefault("RUNPOD_LOG_LEVEL", "INFO")  # the SDK's own default logs all audio
    try:
        from runpod import serverless
    except ImportError as error:
        raise SettingsError(
            "\n".join(["RunPod's SDK is not installed", *install_advice(["worker"])])
        ) from error
    return serverless


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="entrypoints.runpod_worker", description=__doc__)
    parser.add_argument("--warmup", action="store_true", help="load and speak once before any job")
    parser.add_argument("--rp_serve_api", action="store_true", help="the SDK's own local server")
    return parser.parse_known_args()[0]


if __name__ == "__main__":
    main()
