"""Speech over HTTP: a real server, and a model that follows the words of the text."""

import base64
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from dependency_injector import providers
from fastapi import FastAPI

from adapters.pyav.decoder import PyavDecoder
from application.ports.speech_model import ModelState, ModelStatus
from application.ports.weights import WeightBytes
from domain.audio import to_int16
from entrypoints.container import Container
from entrypoints.http.app import build_app
from entrypoints.schemas import SpeechInput
from entrypoints.settings.settings import LocalSettings
from tests.loopback.http_server import served
from tests.models.scripted_worker import ScriptedModel

SPEECH = "/v1/audio/speech"
FIRST = "A first chunk of one hundred and some characters, which is spoken at once. " * 2
"""It fills a chunk of a stream, so that what follows it is a chunk of its own."""


@pytest.fixture(scope="module")
def decoder() -> PyavDecoder:
    decoder = PyavDecoder()
    bundled = files("adapters.filesystem").joinpath("bundled_voices", "default.ogg").read_bytes()
    decoder.decode(bundled, name="default.ogg", limit_seconds=1)
    return decoder


class Server:
    """The application with a scripted model."""

    url = ""

    def __init__(self, folder: Path, decoder: PyavDecoder, **settings: Any) -> None:
        self.gate = folder / "gate"
        self.model = ScriptedModel(state="ready", gate=self.gate)
        self.container = Container(
            settings=LocalSettings(
                output_audio_dir=folder / "out", audio_voices_dir=folder / "voices", **settings
            )
        )
        self.container.model.override(providers.Object(self.model))
        self.container.decoder.override(providers.Object(decoder))
        self.faults: list[bool] = []
        self.app: FastAPI = build_app(self.container, on_fault=lambda: self.faults.append(True))


@pytest.fixture
def server(tmp_path: Path, decoder: PyavDecoder) -> Iterator[Server]:
    server = Server(tmp_path, decoder)
    with served(server.app) as server.url:
        yield server
        server.gate.touch()


def ask(server: Server, text: str, **fields: Any) -> httpx.Response:
    body = {"input": text, "response_format": "pcm", **fields}
    return httpx.post(f"{server.url}{SPEECH}", json=body, timeout=60)


def streamed(server: Server, text: str, **fields: Any) -> Any:
    body = {"input": text, "response_format": "pcm", **fields}
    return httpx.stream("POST", f"{server.url}{SPEECH}", json=body, timeout=60)


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line]


def test_the_first_bytes_leave_before_the_second_chunk_is_spoken(server: Server) -> None:
    with streamed(server, f"{FIRST}GATE holds this one.") as response:
        pieces = response.iter_raw()
        assert next(pieces)
        assert not server.gate.exists()
        server.gate.touch()
        assert sum(len(piece) for piece in pieces)


def test_streams_the_samples_that_a_stored_file_has(server: Server) -> None:
    job = SpeechInput(text=FIRST * 3, seed=7, stream=True)
    utterance = server.container.speak().utterance(job.to_request())
    expected = np.concatenate(list(utterance.samples()))
    content = ask(server, FIRST * 3, seed=7).content
    assert np.array_equal(np.frombuffer(content, "<i2"), to_int16(expected))


@pytest.mark.parametrize(
    ("text", "status", "code", "retry"),
    [
        ("REFUSE this.", 400, "invalid_request", None),
        ("BREAK at once.", 500, "synthesis_failed", "false"),
        ("RAISE at once.", 500, "internal_error", "false"),
        ("MEMORY is gone.", 503, "out_of_memory", "true"),
    ],
)
def test_a_failure_before_the_first_sample_has_its_own_status(
    server: Server, text: str, status: int, code: str, retry: str | None
) -> None:
    answer = ask(server, text)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("x-should-retry") == retry
    assert "s3cr3t" not in answer.text
    assert __file__ not in answer.text


def test_a_failure_in_the_middle_breaks_off_the_bytes(server: Server) -> None:
    with streamed(server, f"{FIRST}BREAK here.") as response:
        assert response.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            response.read()


def test_a_failure_in_the_middle_is_the_last_event(server: Server) -> None:
    answer = ask(server, f"{FIRST}BREAK here.", stream_format="sse")
    *_, last = events_of(answer.text)
    assert last["type"] == "speech.audio.error"
    assert last["error"]["code"] == "synthesis_failed"
    assert "speech.audio.done" not in answer.text


def test_events_carry_the_bytes_of_the_format_and_end_with_usage(server: Server) -> None:
    fields: dict[str, Any] = {"seed": 3, "response_format": "mp3"}
    plain = ask(server, FIRST * 2, **fields).content
    events = events_of(ask(server, FIRST * 2, stream_format="sse", **fields).text)
    audio = [base64.b64decode(e["audio"]) for e in events if e["type"] == "speech.audio.delta"]
    assert b"".join(audio) == plain
    usage = events[-1]["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert [segment["id"] for segment in events[-1]["segments"]] == [
        event["index"] for event in events if event["type"] == "speech.audio.chunk"
    ]


def test_names_of_ignored_fields_cannot_end_their_header(server: Server) -> None:
    fields: dict[str, Any] = {"x\r\nSet-Cookie: a=b": 1, "ü" * 99: 1, "€": 1}
    fields |= {f"field{number}": 1 for number in range(100)}
    answer = ask(server, "Hello.", **fields)
    assert "set-cookie" not in answer.headers
    assert len(answer.headers["X-Ignored-Fields"]) < 1_000
    assert answer.headers["X-Ignored-Fields"].endswith("and 83 more")


def test_a_client_that_goes_away_ends_its_speech(server: Server) -> None:
    with streamed(server, f"{FIRST}FOREVER and ever.") as response:
        next(response.iter_raw())
    assert ask(server, "The next one.").status_code == 200


def test_a_client_that_goes_away_leaves_the_queue(server: Server) -> None:
    with streamed(server, f"{FIRST}GATE holds this one.") as response:
        pieces = response.iter_raw()  # the connection is closed with the iterator
        next(pieces)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}{SPEECH}", json={"input": "Waits."}, timeout=0.3)
        until(lambda: server.app.state.admission.waiting == 0)


def test_takes_as_many_requests_as_may_wait_and_refuses_the_others_at_once(
    server: Server,
) -> None:
    def one(_: int) -> httpx.Response:
        return ask(server, "GATE holds the first of these.")

    with ThreadPoolExecutor(50) as clients:
        answers = [clients.submit(one, number) for number in range(50)]
        until(lambda: sum(answer.done() for answer in answers) == 17)
        refused = [answer.result() for answer in answers if answer.done()]
        server.gate.touch()
        codes = [answer.result().status_code for answer in answers]
    assert {answer.status_code for answer in refused} == {429}
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)
    assert refused[0].json()["error"]["code"] == "queue_full"
    assert sorted(codes) == [200] * 33 + [429] * 17


def test_a_reader_that_takes_nothing_delays_nobody(server: Server) -> None:
    body = json.dumps({"input": FIRST * 60, "response_format": "pcm"}).encode()
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.sendall(
            b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (SPEECH.encode(), host.encode(), len(body), body)
        )
        assert reader.recv(1)
        assert ask(server, "The next one.").status_code == 200


def test_a_request_that_waits_is_sent_away_when_the_server_stops(server: Server) -> None:
    with streamed(server, f"{FIRST}GATE holds this one.") as response:
        pieces = response.iter_raw()
        next(pieces)
        with ThreadPoolExecutor(1) as clients:
            waiting = clients.submit(ask, server, "Waits.")
            until(lambda: server.app.state.admission.waiting == 1)
            server.app.state.admission.close()
            assert waiting.result().status_code == 503
        server.gate.touch()
        assert sum(len(piece) for piece in pieces)


def test_a_fault_of_the_process_is_told_to_its_owner(server: Server) -> None:
    ask(server, "LOST device.")
    assert server.faults == [True]


class _Arriving(ScriptedModel):
    def status(self) -> ModelStatus:
        return ModelStatus(ModelState.LOADING, weights=WeightBytes(done=1, total=5_000_000))


def test_a_request_is_sent_away_while_the_weights_come(
    tmp_path: Path, decoder: PyavDecoder
) -> None:
    server = Server(tmp_path, decoder)
    arriving = _Arriving(state="ready", gate=server.gate)
    server.container.model.override(providers.Object(arriving))
    with served(build_app(server.container)) as server.url:
        answer = ask(server, "Too early.")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "model_unavailable"
    assert answer.headers["x-should-retry"] == "true"
    assert int(answer.headers["Retry-After"]) > 0


def test_behind_runpods_load_balancer_a_text_that_it_would_cut_off_is_refused(
    tmp_path: Path, decoder: PyavDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNPOD_ENDPOINT_ID", "an-endpoint")
    server = Server(tmp_path, decoder)
    with served(server.app) as server.url:
        answer = ask(server, "a word and " * 900)
        error = answer.json()["error"]

    assert (answer.status_code, error["param"]) == (400, "input")
    assert "use the queue" in error["message"]
