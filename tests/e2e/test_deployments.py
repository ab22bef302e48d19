"""What compose.yaml and deploy/kubernetes.yaml start, run as processes of this machine."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.compose_file import compose_services, environment_of
from tests.deployment.manifest import server
from tests.e2e.audio import decoded_seconds
from tests.loopback.free_ports import free_ports
from tests.loopback.seaweed import PORT_OPTIONS, remove_sockets
from tests.loopback.worker_process import WorkerProcess

SERVICES = compose_services()
DEFAULT_PORTS = {"s3.port": "8333", "filer.port": "8888"}
WITHIN_SECONDS = 60


def wait_until(holds: Callable[[], bool], is_alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not holds():
        assert is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def s3() -> Iterator[Callable[[str], str]]:
    """Start SeaweedFS by compose's command on free ports until its health check succeeds.

    Return what puts the ports of this run in the place of compose's.
    """
    service = SERVICES["s3"]
    with (
        free_ports(len(PORT_OPTIONS)) as free,
        tempfile.TemporaryDirectory(prefix="compose-s3-") as folder,
    ):
        ports = {option: str(port) for option, port in zip(PORT_OPTIONS, free, strict=True)}

        def here(text: str) -> str:
            for option, port in DEFAULT_PORTS.items():
                text = text.replace(f":{port}", f":{ports[option]}")
            return text

        process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("weed")),
                *service["command"].replace("/data", folder).split(),
                *(f"-{option}={port}" for option, port in ports.items()),
            ],
            env={"PATH": os.environ["PATH"], "HOME": folder} | environment_of(service),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            url = here(service["healthcheck"]["test"][-1])
            wait_until(lambda: answers(url), lambda: process.poll() is None)
            yield here
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            remove_sockets(free)


@pytest.fixture(scope="module")
def served(
    s3: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[WorkerProcess, str]]:
    """Start compose's preview service until its health check succeeds; yield it and its URL."""
    service, folder = SERVICES["preview"], tmp_path_factory.mktemp("preview")
    with free_ports(1) as [free]:
        process = WorkerProcess(
            *("-m", "entrypoints.cli", *service["command"][1:-1], str(free)),
            environment={name: s3(value) for name, value in environment_of(service).items()}
            | {each["name"]: each["value"] for each in server()["env"] if "LOG_" in each["name"]}
            | {"OUTPUT_AUDIO_DIR": str(folder / "out"), "AUDIO_VOICES_DIR": str(folder / "voices")},
            log=folder / "log",
        )
        [_, _, *check] = service["healthcheck"]["test"]
        check[-1] = check[-1].replace(service["command"][-1], str(free))

        def is_healthy() -> bool:
            done = subprocess.run([sys.executable, *check], capture_output=True, check=False)
            return done.returncode == 0

        wait_until(is_healthy, lambda: process.is_alive)
        yield process, f"http://127.0.0.1:{free}"
        process.stop()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def runsync(base: str, job: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{base}/runsync",
        data=json.dumps({"input": job}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=WITHIN_SECONDS) as answer:
        [output] = json.load(answer)["output"]
    return dict(output)


def test_composes_url_of_the_audio_can_be_opened(
    s3: Callable[[str], str], served: tuple[WorkerProcess, str]
) -> None:
    result = runsync(served[1], {"text": "Stored beside the service."})

    assert result["url"].startswith(f"{s3('http://localhost:8333')}/media/")
    with urllib.request.urlopen(result["url"]) as answer:
        assert decoded_seconds(answer.read()) > 0.5


def test_the_probes_are_answered_during_a_job_which_ends_before_the_process(
    served: tuple[WorkerProcess, str],
) -> None:
    process, base = served
    started = len(process.events("job_started"))
    results: list[dict[str, Any]] = []
    job = {"text": "A sentence that is spoken many times over. " * 20}
    asking = threading.Thread(target=lambda: results.append(runsync(base, job)))
    asking.start()
    wait_until(lambda: len(process.events("job_started")) > started, lambda: process.is_alive)
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = server()[name]
        url, seconds = base + probe["httpGet"]["path"], probe["timeoutSeconds"]
        with urllib.request.urlopen(url, timeout=seconds) as answer:
            assert answer.status == 200
    assert asking.is_alive()
    process.ask_to_stop()
    asking.join()

    assert results[0]["status"] == "completed"
    process.wait()
