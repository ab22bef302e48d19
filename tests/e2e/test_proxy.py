"""deploy/nginx.conf in a real nginx, in front of two real servers with a model that waits."""

import io
import os
import shutil
import subprocess
import wave
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.deployment.waiting import wait_until
from tests.loopback.free_ports import free_ports
from tests.loopback.worker_process import ROOT, WorkerProcess

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/opt/homebrew/bin:/usr/local/bin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

FIRST = "A first chunk of one hundred and some characters, which is spoken at once. " * 2
"""It fills a chunk of a stream, so that what follows it is a chunk of its own."""
HELD = f"{FIRST}The GATE holds this."


class Replicas:
    """Two servers behind nginx; each speaks one request and lets nobody wait."""

    def __init__(self, servers: list[WorkerProcess], client: httpx.Client, gate: Path) -> None:
        self.servers = servers
        self.client = client
        self.gate = gate

    @contextmanager
    def speech(self, text: str) -> Iterator[httpx.Response]:
        """Send a request; yield the response once its head has come."""
        body = {"input": text, "voice": "default", "response_format": "pcm"}
        with self.client.stream("POST", "/v1/audio/speech", json=body) as response:
            yield response


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    folder = tmp_path_factory.mktemp("proxy")
    with ExitStack() as ends:
        [port, *ports] = ends.enter_context(free_ports(3))
        servers = [_server(folder, each) for each in ports]
        for server in servers:
            ends.callback(server.kill)
        nginx = subprocess.Popen(_nginx(folder, port, ports), stderr=subprocess.DEVNULL)
        ends.callback(nginx.wait)
        ends.callback(nginx.terminate)
        client = ends.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60))
        running = Replicas(servers, client, folder / "gate")
        wait_until(
            lambda: all("listening" in server.printed() for server in servers),
            lambda: all(server.is_alive for server in servers),
        )
        wait_until(lambda: _answers(client), lambda: nginx.poll() is None)
        yield running


@pytest.fixture
def replicas(started: Replicas) -> Replicas:
    started.gate.unlink(missing_ok=True)
    return started


def test_audio_passes_while_it_is_spoken(replicas: Replicas) -> None:
    with replicas.speech(HELD) as response:
        pieces = response.iter_raw()
        first = next(pieces)
        replicas.gate.touch()
        rest = b"".join(pieces)

    assert first
    assert rest


def test_a_request_goes_to_a_free_replica_and_a_refusal_of_all_passes(replicas: Replicas) -> None:
    with replicas.speech(HELD) as one, replicas.speech(HELD) as other:
        with replicas.speech(HELD) as third:
            third.read()
        replicas.gate.touch()
        heard = [response.read() for response in (one, other)]

    assert all(heard)
    assert (third.status_code, third.json()["error"]["code"]) == (429, "queue_full")
    assert third.headers["Retry-After"]


def test_a_recording_of_10_mib_passes_and_a_larger_body_is_refused_in_words(
    replicas: Replicas,
) -> None:
    fields = {"name": "alice", "consent": "true"}

    added = replicas.client.post(
        "/v1/audio/voices", data=fields, files={"audio_sample": _recording(10 * 2**20 - 100)}
    )
    refused = replicas.client.post("/v1/audio/speech", content=b"a" * (22 * 2**20))

    assert added.status_code == 200, added.text
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "body_too_large")


def test_a_killed_replica_breaks_its_own_speech_alone(replicas: Replicas) -> None:
    with replicas.speech(HELD) as one, replicas.speech(HELD) as other:
        replicas.servers[0].kill()
        replicas.gate.touch()
        ends = sorted(_is_whole(response) for response in (one, other))
    with replicas.speech("Spoken by the other one.") as after:
        heard = after.read()

    assert ends == [False, True]
    assert (after.status_code, len(heard) > 0) == (200, True)


def test_says_in_openais_shape_that_no_replica_answers(replicas: Replicas) -> None:
    for server in replicas.servers:
        server.kill()

    with replicas.speech("Anyone?") as response:
        response.read()

    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert response.json()["error"]["code"] == "model_unavailable"


def _server(folder: Path, port: int) -> WorkerProcess:
    return WorkerProcess(
        *("-m", "tests.models.scripted_server", "127.0.0.1", str(port)),
        environment={
            "PYTHONUNBUFFERED": "1",
            "MAX_QUEUED_REQUESTS": "0",
            "SCRIPTED_GATE": str(folder / "gate"),
            "OUTPUT_AUDIO_DIR": str(folder / "out"),
            "AUDIO_VOICES_DIR": str(folder / "voices"),
            "CHECKPOINTS_DIR": str(folder / "checkpoints"),
        },
        log=folder / f"{port}.log",
    )


def _nginx(folder: Path, port: int, ports: list[int]) -> list[str]:
    """Return the command of nginx with the shipped configuration, at the ports of this test."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    changes = {"listen 8000;": f"listen 127.0.0.1:{port};", "/tmp/nginx": f"{folder}/nginx"}
    changes |= {
        f"server replica-{index}:8000": f"server 127.0.0.1:{each}"
        for index, each in enumerate(ports)
    }
    for shipped, here in changes.items():
        assert shipped in text
        text = text.replace(shipped, here)
    (folder / "nginx.conf").write_text(text)
    assert NGINX
    own = "user root; " if os.geteuid() == 0 else ""  # nobody else may enter pytest's folders
    return [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", own + "daemon off;"]


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/ping").status_code == 200
    except httpx.TransportError:
        return False


def _is_whole(response: httpx.Response) -> bool:
    try:
        response.read()
    except httpx.RemoteProtocolError:
        return False
    return True


def _recording(size: int) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        noise = np.random.default_rng(0).normal(0, 3000, size // 2).astype("<i2")
        file.writeframes(noise.tobytes())
    return content.getvalue()
