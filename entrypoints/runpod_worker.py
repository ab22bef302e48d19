"""The worker on RunPod Serverless: ``python -m entrypoints.runpod_worker [--warmup]``."""

import argparse
import os
import sys
import threading
from typing import Any

from application.ports.speech_model import ModelState
from domain.errors import ModelUnavailable, StorageFailed
from entrypoints.container import Container
from entrypoints.logs import configure_logs
from entrypoints.settings.settings import WorkerSettings, load_settings
from entrypoints.warmup import try_to, warm_up
from entrypoints.worker.job_handler import JobHandler
from entrypoints.wrong_settings import SettingsError

WRONG_USAGE = 2
JOB_SOURCE = "RUNPOD_WEBHOOK_GET_JOB"
"""RunPod sets it wherever a worker has jobs to take."""

_BEYOND_WORK = (ModelState.MISSING_PACKAGE, ModelState.FAILED)
"""Missing weights and a missing GPU are not among them: there the worker lives to say so, since
a job that fails tells its sender more than one that nobody takes."""


def main(container: Container | None = None) -> None:
    """Take jobs until told to stop; arguments that are not ours are the SDK's.

    ``container`` stands in for the one that the environment describes.
    """
    options = _options()
    try:
        _run(
            container or Container(settings=load_settings(WorkerSettings)),
            is_local=options.rp_serve_api,
            warms_up=options.warmup,
        )
    except SettingsError as error:
        for line in str(error).splitlines():
            print(f"indextts-runpod: {line}", file=sys.stderr)
        sys.exit(WRONG_USAGE)


def _run(container: Container, *, is_local: bool, warms_up: bool) -> None:
    configure_logs(container.settings())
    if not is_local and not os.environ.get(JOB_SOURCE):
        raise SettingsError("RunPod gives no jobs here; to try it, use: indextts-runpod serve")
    _tidy(container)
    if warms_up:
        try_to("warm_up", lambda: warm_up(container.speak()))
    serve_jobs(container)


def _tidy(container: Container) -> None:
    """Old files go and new voices come, before a job could ask for either."""
    try_to("cleanup", lambda: container.cleanup().run())
    if container.settings().voices_s3_uri:
        try_to("voice_sync", lambda: container.voice_sync().run())


def serve_jobs(container: Container, *, keeps_audio: bool = False) -> None:
    """Hand the handler to RunPod's SDK, which reads ``sys.argv`` and runs until it is stopped.

    The model is loaded while jobs are taken already: they wait for it, and health is told. It
    begins with the SDK's first look for a job, because before that the SDK forks the process
    that pings, and a fork in the middle of loading may stand still for ever.

    Raises:
        SettingsError: the SDK is not installed.
    """
    os.environ.setdefault("RUNPOD_LOG_LEVEL", "INFO")  # the SDK's own default logs all audio
    try:
        import runpod
    except ImportError as error:
        raise SettingsError(
            "RunPod's SDK is not installed; install it with: pip install 'indextts-runpod[worker]'"
        ) from error

    loading = threading.Thread(
        target=try_to, args=("load", container.model().load), name="loading", daemon=True
    )

    def one_job_at_a_time(_: int) -> int:
        if loading.ident is None:
            loading.start()
        return 1

    config: dict[str, Any] = {
        "return_aggregate_stream": True,
        "concurrency_modifier": one_job_at_a_time,
    }
    handler = JobHandler(
        container=container,
        keeps_audio=keeps_audio,
        recycle=lambda: config.update(refresh_worker=True),
    )
    config["handler"] = handler.handle

    def can_work() -> None:
        _require_fitness(container)

    runpod.serverless.register_fitness_check(can_work)
    runpod.serverless.start(config)


def _require_fitness(container: Container) -> None:
    """Refuse to take jobs where none could succeed and another worker might do better.

    Raises:
        ModelUnavailable: the engine is not installed, or could not be loaded.
        StorageFailed: the store cannot be reached.
    """
    status = container.model().status()
    if status.state in _BEYOND_WORK:
        raise ModelUnavailable(f"{status.state.value}: {status.advice}")
    if not container.store().is_reachable():
        raise StorageFailed(f"the {container.store().kind} store cannot be reached")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="entrypoints.runpod_worker", description=__doc__)
    parser.add_argument("--warmup", action="store_true", help="load and speak once before any job")
    parser.add_argument("--rp_serve_api", action="store_true", help="the SDK's own local server")
    return parser.parse_known_args()[0]


if __name__ == "__main__":
    main()
