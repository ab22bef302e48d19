"""Fixtures of the tests that start programs: the command line, and workers at a queue."""

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
from tests.loopback.runpod_queue import LONGEST_WAIT_SECONDS, Job, JobQueue
from tests.loopback.worker_process import ROOT, SCRIPTED, WORKER, WorkerProcess

Run = Callable[..., subprocess.CompletedProcess[str]]


def home_settings(home: Path) -> dict[str, str]:
    """Return an environment in which every folder of the product is in ``home``."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AUDIO_VOICES_DIR": str(home / "voices"),
        "OUTPUT_AUDIO_DIR": str(home / "output"),
        "CHECKPOINTS_DIR": str(home / "checkpoints"),
    }


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of the command line: the preview engine, folders of the test."""
    return home_settings(tmp_path) | {"TTS_ENGINE": "preview"}


@pytest.fixture(scope="session")
def cli() -> Iterator[ForkedCli]:
    """Import the command line once for all tests of this process."""
    with ForkedCli() as forked:
        yield forked


@pytest.fixture
def run(cli: ForkedCli, environment: dict[str, str]) -> Run:
    """Return a function that runs the command line; a setting that is None is not set."""

    def run(
        *arguments: str, stdin: str = "", cwd: Path = ROOT, **settings: str | None
    ) -> subprocess.CompletedProcess[str]:
        given = {name: value for name, value in (environment | settings).items() if value}
        return cli.run(*arguments, environment=given, stdin=stdin, cwd=cwd)

    return run


@dataclass(frozen=True)
class Store:
    """The store of a worker under test: the settings for it, and a reader of its URLs."""

    environment: dict[str, str]

    def read(self, url: str) -> bytes:
        """Return what a request to the URL gets."""
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
        """The file that lets a chunk with ``GATE`` go on."""
        return self.folder / "gate"

    def run(self, job_input: Any, *, job_id: str | None = None) -> Job:
        """Submit a job and wait for its end."""
        return self.queue.run(job_input, job_id=job_id)

    def start(self, job_input: Any) -> Job:
        """Submit a job and wait until the handler has it: the SDK drops earlier cancellations."""
        job = self.queue.submit(job_input)
        self.wait_until_started(job.id)
        return job

    def wait_until_started(self, job_id: str) -> None:
        """Wait until the handler has the job."""
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while not any(line["job_id"] == job_id for line in self.worker.events("job_started")):
            assert time.monotonic() < deadline, self.worker.printed()
            time.sleep(0.02)

    def assert_works(self) -> None:
        """Run a good job."""
        job = self.run({"text": "A job after trouble."})
        assert job.status == "COMPLETED", job.error


Deploy = Callable[..., Deployment]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return the settings of a store in a folder."""
    folder = tmp_path_factory.mktemp("output")
    return Store({"OBJECT_STORE": "filesystem", "OUTPUT_AUDIO_DIR": str(folder)})


@pytest.fixture(scope="session")
def deploy(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Iterator[Deploy]:
    """Return a function that starts workers; stop them after the tests, as RunPod does it."""
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
            | {"CHECKPOINTS_DIR": str(folder / "checkpoints")}
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
    """Start a worker whose model follows the words of the text (``ScriptedModel``)."""
    return deploy(*SCRIPTED)


@pytest.fixture(scope="session")
def preview(deploy: Deploy) -> Deployment:
    """Start the worker as it is shipped, with the preview engine."""
    return deploy(*WORKER)
