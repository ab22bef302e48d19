"""What compose.yaml and deploy/kubernetes.yaml start, run as processes of this machine."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deployment.compose_file import compose_services, environment_of
from tests.deployment.manifest import server
from tests.deployment.waiting import WITHIN_SECONDS, wait_until
from tests.e2e.audio import decoded_seconds
from tests.loopback.free_ports import free_ports
from tests.loopback.seaweed import PORT_OPTIONS, remove_sockets
from tests.loopback.worker_process import WorkerProcess

SERVICES = compose_services()
DEFAULT_PORTS = {"s3.port": "8333", "filer.port": "8888"}


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


@contextmanager
def started(name: str, folder: Path, **changes: str) -> Iterator[tuple[WorkerProcess, str]]:
    """Start a service of compose until its health check succeeds; yield it and its URL."""
    service = SERVICES[name]
    with free_ports(1) as [free]:
        process = WorkerProcess(
            *("-m", "entrypoints.cli", *service["command"][1:], "--port", str(free)),
            environment=environment_of(service)
            | {each["name"]: each["value"] for each in server()["env"] if "LOG_" in each["name"]}
            | {"OUTPUT_AUDIO_DIR": str(folder / "out"), "AUDIO_VOICES_DIR": str(folder / "voices")}
            | changes,
            log=folder / "log",
        )
        try:
            [_, _, *check] = service["healthcheck"]["test"]
            check[-1] = re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{free}", check[-1])
            wait_until(lambda: succeeds(check), lambda: process.is_alive)
            yield process, f"http://127.0.0.1:{free}"
        finally:
            process.stop()


@pytest.fixture
def preview(tmp_path: Path) -> Iterator[tuple[WorkerProcess, str]]:
    with started("preview", tmp_path) as running:
        yield running


def succeeds(arguments: list[str]) -> bool:
    """Return whether a check by Python, as a container runs it, ends with 0."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    return done.returncode == 0


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


def test_composes_url_of_the_audio_can_be_opened(s3: Callable[[str], str], tmp_path: Path) -> None:
    variables = environment_of(SERVICES["runpod"])
    here = {name: s3(value) for name, value in variables.items()}
    with started("runpod", tmp_path, **here) as (_, base):
        result = runsync(base, {"text": "Stored beside the service."})

    assert result["url"].startswith(f"{s3('http://localhost:8333')}/media/")
    with urllib.request.urlopen(result["url"]) as answer:
        assert decoded_seconds(answer.read()) > 0.5


def test_probes_are_answered_during_a_speech_which_ends_before_the_process(
    preview: tuple[WorkerProcess, str],
) -> None:
    process, base = preview
    body = {"input": "A sentence that is spoken many times over. " * 150}
    with httpx.stream("POST", f"{base}/v1/audio/speech", json=body, timeout=60) as response:
        pieces = response.iter_raw()
        first = next(pieces)
        starts = server()["startupProbe"]["exec"]["command"][1:]
        starts[-1] = starts[-1].replace("http://127.0.0.1:8000", base)
        assert succeeds(starts)
        for name in ("livenessProbe", "readinessProbe"):
            probe = server()[name]
            url, seconds = base + probe["httpGet"]["path"], probe["timeoutSeconds"]
            assert httpx.get(url, timeout=seconds).status_code == 200
        assert not process.events("speech_finished")
        process.ask_to_stop()
        speech = first + b"".join(pieces)

    assert decoded_seconds(speech) > 60
    assert process.wait() == 0
