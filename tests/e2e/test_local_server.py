"""The programs of docs/guides/first-requests.md and voices.md, on the local server and at a queue
like RunPod's."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
import wave
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import blocks
from tests.e2e.audio import BUNDLED_VOICE
from tests.e2e.conftest import Deployment
from tests.loopback.free_ports import free_ports
from tests.loopback.runpod_queue import ENDPOINT
from tests.loopback.worker_process import ROOT, WorkerProcess

GUIDES = ROOT / "docs" / "guides"
PAGE = (GUIDES / "first-requests.md").read_text()
TEXT = "Hello from afar. And hello again."


def ask(base: str, where: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        f"{base}/{where}",
        method="POST",
        data=json.dumps(body).encode() if body is not None else b"",
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    with free_ports(1) as [port]:
        process = WorkerProcess(
            *("-m", "entrypoints.cli", "serve", "--runpod", "--port", str(port)),
            environment={"OUTPUT_AUDIO_DIR": str(folder / "out"), "TTS_ENGINE": "preview"},
            log=folder / "log",
        )
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.is_alive, process.printed()
            assert time.monotonic() < deadline, process.printed()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        process.stop()


@pytest.mark.parametrize("request_text", re.findall(r"runsync.*?-d '(.*?)'", PAGE, re.DOTALL))
def test_the_pages_curl_commands_work_on_the_local_server(server: str, request_text: str) -> None:
    answer = ask(server, "runsync", json.loads(request_text))
    assert answer["status"] == "COMPLETED"
    assert "error" not in answer["output"][0]


def test_the_pages_command_sends_a_recording_along(server: str, tmp_path: Path) -> None:
    [command] = re.findall(r"<!-- a recording along .*?-->\n```sh\n(.*?)```", PAGE, re.DOTALL)
    bundled = files("adapters.filesystem").joinpath("bundled_voices", "default.ogg").read_bytes()
    (tmp_path / "voice.wav").write_bytes(bundled)
    subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=True)
    answer = ask(server, "runsync", json.loads((tmp_path / "request.json").read_text()))
    assert answer["output"][0]["metadata"]["speaker_voice"] == "speaker_audio"


def test_a_failed_job_is_told_in_the_local_servers_way(server: str) -> None:
    answer = ask(server, "runsync", {"input": {"text": "Hello.", "crossfade_ms": 5000}})
    assert answer["output"][-1]["error"].startswith("invalid_request: crossfade_ms: ")


@pytest.fixture
def client(tmp_path: Path) -> Path:
    return program_of("first-requests.md", tmp_path / "stream.py")


@pytest.fixture
def cloning_client(tmp_path: Path) -> Path:
    return program_of("voices.md", tmp_path / "clone.py")


def program_of(page: str, path: Path) -> Path:
    """Save the only program of a page, as its reader does."""
    [block] = [block for block in blocks(GUIDES / page) if block.language == "python"]
    path.write_text(block.text)
    return path


def seconds_of(path: Path) -> float:
    with wave.open(str(path)) as sound:
        seconds: float = sound.getnframes() / sound.getframerate()
        return seconds


def run(client: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(client), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_pages_client_streams_from_the_local_server(
    server: str, client: Path, tmp_path: Path
) -> None:
    done = run(client, server, "any", TEXT, str(tmp_path / "out.wav"))
    assert done.returncode == 0, done.stderr
    assert 1 < seconds_of(tmp_path / "out.wav") < 10


def test_the_pages_client_streams_from_a_queue(
    preview: Deployment, client: Path, tmp_path: Path
) -> None:
    base = f"{preview.queue.base_url}/{ENDPOINT}"
    done = run(client, base, "any", TEXT, str(tmp_path / "out.wav"))
    assert done.returncode == 0, done.stderr
    assert 1 < seconds_of(tmp_path / "out.wav") < 10


def test_the_pages_client_tells_why_a_job_failed(
    preview: Deployment, server: str, client: Path, tmp_path: Path
) -> None:
    for base in (f"{preview.queue.base_url}/{ENDPOINT}", server):
        done = run(client, base, "any", "?!", str(tmp_path / "out.wav"))
        assert done.returncode == 1
        assert done.stderr.startswith("invalid_request: text: ")


def test_the_program_of_the_page_on_voices_speaks_in_a_recording(
    server: str, cloning_client: Path, tmp_path: Path
) -> None:
    recording = tmp_path / "my-recording.ogg"
    recording.write_bytes(BUNDLED_VOICE)
    done = run(cloning_client, server, "any", str(recording), TEXT, str(tmp_path / "out.wav"))
    assert done.returncode == 0, done.stderr
    assert 1 < seconds_of(tmp_path / "out.wav") < 10


def test_the_program_of_the_page_on_voices_tells_what_is_wrong_with_a_recording(
    server: str, cloning_client: Path, tmp_path: Path
) -> None:
    recording = tmp_path / "my-recording.wav"
    recording.write_bytes(b"no sound")
    done = run(cloning_client, server, "any", str(recording), TEXT, str(tmp_path / "out.wav"))
    assert done.returncode == 1
    assert done.stderr.startswith("bad_reference: ")
