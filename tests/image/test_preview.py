"""The image of the preview engine, in a container as a runtime starts it."""

import re
import shlex
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.deployment.waiting import wait_until
from tests.image.audio import seconds_of
from tests.image.container import Container, Running
from tests.loopback.free_ports import free_ports
from tests.loopback.runpod_queue import JobQueue

ROOT = Path(__file__).parents[2]
COMMANDS = re.findall(
    r"^docker run --rm indextts-runpod:preview (.*) > hello\.wav$",
    (ROOT / "README.md").read_text(),
    re.MULTILINE,
)
SERVING = re.findall(
    r"^docker run --rm -p \S+ indextts-runpod:preview (.*)$",
    (ROOT / "README.md").read_text(),
    re.MULTILINE,
)
USER = 10001
VOLUME = "runpod-volume/indextts"


@contextmanager
def started(container: Container, queue: JobQueue, logs: Path) -> Iterator[Running]:
    """Start the image's own command, as RunPod does, and wait until it takes jobs."""
    with container.started(logs=logs, **queue.worker_environment()) as running:
        queue.run({"action": "list_voices"})
        yield running


@pytest.fixture(scope="module")
def queue() -> Iterator[JobQueue]:
    """Open the queue of the worker that the tests share."""
    with closing(JobQueue()) as opened:
        yield opened


@pytest.fixture(scope="module")
def worker(
    preview: Container, queue: JobQueue, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    with started(preview, queue, tmp_path_factory.mktemp("worker")) as running:
        yield running


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_speaks_to_standard_output(
    preview: Container, tmp_path: Path, command: str
) -> None:
    (tmp_path / "hello.wav").write_bytes(preview.run(*shlex.split(command), logs=tmp_path))

    assert seconds_of(tmp_path / "hello.wav") > 0.3


def test_takes_batch_stream_and_health_jobs(
    preview: Container, queue: JobQueue, worker: Running
) -> None:
    batch = queue.run({"text": "Spoken as a batch.", "session_id": "batch"})
    stream = queue.run({"text": "Spoken as a stream.", "stream": True})
    health = queue.run({"action": "health_check"})

    assert [job.status for job in (batch, stream, health)] == ["COMPLETED"] * 3, worker.printed()
    assert seconds_of(preview.root / VOLUME / "output_audio" / "batch.ogg") > 0.5
    assert stream.pieces[-1]["status"] == "complete"
    assert health.output[0]["status"] == "healthy"


def test_runs_as_a_numeric_user_that_can_write_to_the_volume(
    preview: Container, worker: Running
) -> None:
    status = Path(f"/proc/{worker.first_pid}/status").read_text()

    (users,) = [line.split()[1:] for line in status.splitlines() if line.startswith("Uid:")]
    assert set(users) == {str(USER)}
    assert preview.config["User"] == str(USER)
    assert (preview.root / VOLUME).stat().st_uid == USER


def test_ends_with_status_0_on_sigterm(preview: Container, tmp_path: Path) -> None:
    with (
        closing(JobQueue()) as own_queue,
        started(preview, own_queue, tmp_path) as worker,
    ):
        assert worker.stop() == 0, worker.printed()


def test_serves_http_by_its_command_and_streams(preview: Container, tmp_path: Path) -> None:
    [command] = SERVING
    with (
        free_ports(1) as [port],
        preview.started(*shlex.split(command), logs=tmp_path, PORT=str(port)) as running,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        wait_until(lambda: is_ready(client), lambda: running.outside.poll() is None)
        body = {"input": "Spoken while it is heard. " * 40, "response_format": "mp3"}
        with client.stream("POST", "/v1/audio/speech", json=body) as response:
            pieces = list(response.iter_raw())
        (tmp_path / "streamed.mp3").write_bytes(b"".join(pieces))
        assert running.stop() == 0, running.printed()

    assert response.headers["content-type"] == "audio/mpeg"
    assert len(pieces) > 1
    assert seconds_of(tmp_path / "streamed.mp3") > 30


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/ping").status_code == 200
    except httpx.TransportError:
        return False
