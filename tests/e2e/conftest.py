import itertools
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.loopback.forked_cli import ForkedCli
from tests.loopback.runpod_queue import Job, JobQueue
from tests.loopback.worker_process import ROOT, SCRIPTED, WORKER, WorkerProcess

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the command line is told by its environment."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AUDIO_VOICES_DIR": str(tmp_path / "voices"),
        "OUTPUT_AUDIO_DIR": str(tmp_path / "output"),
        "TTS_ENGINE": "preview",
    }


@pytest.fixture(scope="session")
def cli() -> Iterator[ForkedCli]:
    """The command line, imported once for all tests of this process."""
    with ForkedCli() as forked:
        yield forked


@pytest.fixture
def run(cli: ForkedCli, environment: dict[str, str]) -> Run:
    """The command line in a process of its own; a setting that is None is not there."""

    def run(
        *arguments: str, stdin: str = "", cwd: Path = ROOT, **settings: str | None
    ) -> subprocess.CompletedProcess[str]:
        given = {name: value for name, value in (environment | settings).items() if value}
        return cli.run(*arguments, environment=given, stdin=stdin, cwd=cwd)

    return run


@dataclass(frozen=True)
class Store:
    """Where a worker under test keeps finished files: what it is told, and where it ends up."""

    environment: dict[str, str]

    def read(self, url: str) -> bytes:
        """What anybody gets who has the URL."""
        with urllib.request.urlopen(url) as answer:
            content: bytes = answer.read()
            return content


@dataclass(frozen=True)
class Deployment:
    """A worker at a queue of its own."""

    queue: JobQueue
    worker: WorkerProcess
    folder: Path
    store: Store

    @property
    def gate(self) -> Path:
        return self.folder / "gate"

    def run(self, job_input: Any, *, job_id: str | None = None) -> Job:
        return self.queue.run(job_input, job_id=job_id)

    def start(self, job_input: Any) -> Job:
        """A job that the handler has: before that the SDK drops an order to stop it."""
        job = self.queue.submit(job_input)
        deadline = time.monotonic() + 30
        while not any(line["job_id"] == job.id for line in self.worker.events("job_started")):
            assert time.monotonic() < deadline, self.worker.printed()
            time.sleep(0.02)
        return job

    def assert_works(self) -> None:
        job = self.run({"text": "A job after trouble."})
        assert job.status == "COMPLETED", job.error


Deploy = Callable[..., Deployment]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("output")
    return Store({"OBJECT_STORE": "filesystem", "OUTPUT_AUDIO_DIR": str(folder)})


@pytest.fixture(scope="session")
def deploy(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Iterator[Deploy]:
    """Start workers; all of them are stopped, as RunPod does it, when the tests are over."""
    started: list[Deployment] = []
    numbers = itertools.count(1)

    def start(*arguments: str, **environment: str) -> Deployment:
        folder = tmp_path_factory.mktemp(f"worker-{next(numbers)}")
        queue = JobQueue()
        worker = WorkerProcess(
            *(arguments or SCRIPTED),
            environment=queue.worker_environment()
            | store.environment
            | {"AUDIO_VOICES_DIR": str(folder / "voices"), "TTS_ENGINE": "preview"}
            | {"SCRIPTED_GATE": str(folder / "gate")}
            | environment,
            log=folder / "log",
        )
        started.append(Deployment(queue, worker, folder, store))
        return started[-1]

    try:
        yield start
    finally:
        for deployment in started:
            if deployment.worker.is_alive:
                deployment.worker.ask_to_stop()
        for deployment in started:
            deployment.worker.stop()
            deployment.queue.close()


@pytest.fixture(scope="session")
def scripted(deploy: Deploy) -> Deployment:
    """A worker whose model does what the text says."""
    return deploy(*SCRIPTED)


@pytest.fixture(scope="session")
def preview(deploy: Deploy) -> Deployment:
    """The worker as it is shipped, with the preview engine."""
    return deploy(*WORKER)
