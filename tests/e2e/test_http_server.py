"""``indextts-runpod serve`` as a process: its ports, its limits, its end."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.audio import decoded_seconds
from tests.loopback.free_ports import free_ports
from tests.loopback.worker_process import WorkerProcess

SPEECH = "/v1/audio/speech"
FIRST = "A first chunk of one hundred and some characters, which is spoken at once. " * 2
"""It fills a chunk of a stream, so that what follows it is a chunk of its own."""

WITHOUT_THE_WORKERS_PACKAGES = (
    "import sys; sys.modules.update(runpod=None, boto3=None)\n"
    "from entrypoints.cli.main import main\n"
    "sys.argv = ['indextts-runpod', 'serve', *sys.argv[1:]]; main()"
)


def until(happened: Callable[[], bool], process: WorkerProcess) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert process.is_alive, process.printed()
        assert time.monotonic() < deadline, process.printed()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WorkerProcess, int, int]]:
    """Start the command with the preview engine; yield it, its port, and that of health checks."""
    folder = tmp_path_factory.mktemp("served")
    with free_ports(2) as [port, health_port]:
        process = WorkerProcess(
            *("-c", WITHOUT_THE_WORKERS_PACKAGES, "--port", str(port)),
            environment={
                "TTS_ENGINE": "preview",
                "LOG_FORMAT": "json",
                "PORT_HEALTH": str(health_port),
                "OUTPUT_AUDIO_DIR": str(folder / "out"),
                "AUDIO_VOICES_DIR": str(folder / "voices"),
                "CHECKPOINTS_DIR": str(folder / "checkpoints"),
            },
            log=folder / "log",
        )
        line = f"listening at http://127.0.0.1:{port}; stop with Ctrl-C"
        until(lambda: line in process.printed(), process)
        yield process, port, health_port
        assert process.stop() == 0, process.printed()


def test_speaks_without_the_packages_of_the_worker(
    served: tuple[WorkerProcess, int, int],
) -> None:
    answer = httpx.post(
        f"http://localhost:{served[1]}{SPEECH}",
        json={"input": "Good morning, dear listener.", "response_format": "mp3"},
        timeout=60,
    )
    assert answer.headers["content-type"] == "audio/mpeg"
    assert decoded_seconds(answer.content) > 0.5


def test_the_port_of_health_checks_has_the_same_routes(
    served: tuple[WorkerProcess, int, int],
) -> None:
    answers = [httpx.get(f"http://127.0.0.1:{port}/v1/models") for port in served[1:]]
    assert answers[0].json() == answers[1].json()
    assert {answer.status_code for answer in answers} == {200}


def test_refuses_a_page_whose_name_leads_to_this_machine(
    served: tuple[WorkerProcess, int, int],
) -> None:
    answer = httpx.get(f"http://127.0.0.1:{served[1]}/", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert answer.headers["x-request-id"]


def test_an_address_that_only_this_machine_reaches_needs_no_key(
    served: tuple[WorkerProcess, int, int],
) -> None:
    assert "listening_without_keys" not in served[0].printed()


def test_a_request_has_one_line_in_the_log_under_its_id(
    served: tuple[WorkerProcess, int, int],
) -> None:
    process, port, _ = served

    def lines() -> list[dict[str, Any]]:
        return [each for each in process.events("request_ended") if each["request_id"] == "mine"]

    httpx.get(f"http://127.0.0.1:{port}/v1/models", headers={"X-Request-Id": "mine"})
    until(lambda: bool(lines()), process)
    [line] = lines()
    assert (line["path"], line["status"]) == ("/v1/models", 200)


def test_bytes_that_are_no_request_are_answered_in_the_shape_of_errors(
    served: tuple[WorkerProcess, int, int],
) -> None:
    with socket.create_connection(("127.0.0.1", served[1])) as client:
        client.sendall(b"no request\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["code"] == "invalid_http"


class Scripted:
    """A server whose model waits at a gate."""

    def __init__(self, folder: Path, port: int, host: str) -> None:
        self.gate = folder / "gate"
        self.url = f"http://127.0.0.1:{port}"
        self.process = WorkerProcess(
            *("-m", "tests.models.scripted_server", host, str(port)),
            environment={
                "LOG_FORMAT": "json",
                "PYTHONUNBUFFERED": "1",
                "SCRIPTED_GATE": str(self.gate),
                "OUTPUT_AUDIO_DIR": str(folder / "out"),
                "AUDIO_VOICES_DIR": str(folder / "voices"),
                "CHECKPOINTS_DIR": str(folder / "checkpoints"),
            },
            log=folder / "log",
        )
        until(lambda: "listening\n" in self.process.printed(), self.process)

    def streamed(self) -> Any:
        body = {"input": f"{FIRST}GATE holds this one.", "response_format": "pcm"}
        return httpx.stream("POST", f"{self.url}{SPEECH}", json=body, timeout=60)

    def stops(self) -> bool:
        return bool(self.process.events("server_stops"))


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Callable[[str], Scripted]]:
    """Return a function that starts a server at an address."""
    started: list[Scripted] = []
    with free_ports(1) as [port]:

        def start(host: str = "127.0.0.1") -> Scripted:
            started.append(Scripted(tmp_path, port, host))
            return started[-1]

        yield start
        for each in started:
            each.gate.touch()
            each.process.stop()


def test_the_speech_that_runs_ends_before_the_process(
    scripted: Callable[..., Scripted],
) -> None:
    server = scripted()
    with server.streamed() as response:
        pieces = response.iter_raw()
        size = len(next(pieces))
        server.process.ask_to_stop()
        until(server.stops, server.process)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/v1/models")
        server.gate.touch()
        size += sum(map(len, pieces))
    assert size > 2 * len(FIRST) * 0.05 * 24_000
    assert server.process.wait() == 0


def test_a_second_interrupt_ends_the_process_at_once(scripted: Callable[..., Scripted]) -> None:
    server = scripted()
    with server.streamed() as response:
        next(response.iter_raw())
        server.process.interrupt()
        until(server.stops, server.process)
        server.process.interrupt()
        assert server.process.wait() == 130
        assert not server.gate.exists()


def test_warns_once_where_anyone_may_use_it(scripted: Callable[..., Scripted]) -> None:
    server = scripted("0.0.0.0")
    [warning] = server.process.events("listening_without_keys")
    assert warning["level"] == "warning"
    assert "API_KEYS" in warning["advice"]
    answer = httpx.get(f"{server.url}/v1/models", headers={"Host": "speech.example"})
    assert answer.status_code == 200
