"""OpenAI's own client, and the requests of other programs, against a real server."""

import base64
import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import av
import httpx
import imageio_ffmpeg
import numpy as np
import openai
import pytest
from dependency_injector import providers
from fastapi import FastAPI, Request, Response

from entrypoints.container import Container
from entrypoints.http.app import build_app
from entrypoints.settings.settings import LocalSettings
from tests.loopback.http_server import served
from tests.models.scripted_worker import ScriptedModel

Format = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
FORMATS: tuple[Format, ...] = ("mp3", "opus", "aac", "flac", "wav", "pcm")
PACKED: tuple[Format, ...] = ("mp3", "opus", "aac", "flac", "wav")
TEXT = "A sentence of some length, spoken for a client. " * 4
CODEC_SECONDS = 0.1
"""What encoders add at both ends: priming, and the rest of a frame."""


class Server:
    """The application with a scripted model; it counts the requests to speak."""

    def __init__(self, folder: Path) -> None:
        container = Container(
            settings=LocalSettings(
                output_audio_dir=folder / "out", audio_voices_dir=folder / "voices"
            )
        )
        model = ScriptedModel(state="ready", gate=folder / "gate")
        container.model.override(providers.Object(model))
        self.app: FastAPI = build_app(container)
        self.asked = 0
        self.url = ""

        @self.app.middleware("http")
        async def count(request: Request, call_next: Any) -> Response:
            self.asked += request.url.path == "/v1/audio/speech"
            answer: Response = await call_next(request)
            return answer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    with served(server.app) as server.url:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none is asked for") as client:
        yield client


def post(server: Server, **body: Any) -> httpx.Response:
    return httpx.post(f"{server.url}/v1/audio/speech", json=body, timeout=60)


def seconds_by_pyav(content: bytes) -> float:
    with av.open(io.BytesIO(content), "r") as container:
        frames = list(container.decode(audio=0))
    return float(sum(frame.samples for frame in frames) / frames[0].sample_rate)


def seconds_by_ffmpeg(content: bytes) -> float:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", "-", "-f", "s16le"]
    command += ["-ac", "1", "-ar", "24000", "-"]
    found = subprocess.run(command, input=content, capture_output=True, check=True)
    assert found.stderr == b""
    return len(found.stdout) / 2 / 24_000


@pytest.mark.parametrize("kind", FORMATS)
def test_the_client_gets_every_format(client: openai.OpenAI, kind: Format) -> None:
    answer = client.audio.speech.create(
        model="tts-1", voice="alloy", input="Hello there.", response_format=kind
    )
    assert answer.content
    assert answer.response.headers["content-type"].startswith("audio/")


def test_the_clients_player_gets_24_khz(client: openai.OpenAI, server: Server) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="coral", input=TEXT, response_format="pcm"
    ) as answer:
        samples = np.frombuffer(b"".join(answer.iter_bytes(1024)), "<i2")
    wav = post(server, input=TEXT, response_format="wav", sample_rate=24_000).content
    assert abs(len(samples) / 24_000 - seconds_by_pyav(wav)) < 0.001


@pytest.mark.parametrize("kind", PACKED)
def test_a_streamed_file_decodes_to_its_full_length(server: Server, kind: Format) -> None:
    pcm = post(server, input=TEXT, seed=1, response_format="pcm").content
    content = post(server, input=TEXT, seed=1, response_format=kind).content
    spoken = len(pcm) / 2 / 24_000
    assert abs(seconds_by_pyav(content) - spoken) < CODEC_SECONDS
    assert abs(seconds_by_ffmpeg(content) - spoken) < CODEC_SECONDS


def test_two_streamed_mp3s_put_end_to_end_are_one(server: Server) -> None:
    one = post(server, input=TEXT, seed=1).content
    two = post(server, input="And another one.", seed=2).content
    together = seconds_by_ffmpeg(one + two)
    assert abs(together - seconds_by_pyav(one) - seconds_by_pyav(two)) < CODEC_SECONDS


def test_the_clients_errors_have_code_and_param(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.speech.create(model="tts-1", voice="nobody", input="Hello.")
    assert (caught.value.code, caught.value.param) == ("unknown_voice", "voice")
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.speech.create(model="tts-1", voice="alloy", input="...")
    assert (caught.value.code, caught.value.param) == ("invalid_request", "input")


def test_a_failed_synthesis_is_asked_for_once(client: openai.OpenAI, server: Server) -> None:
    before = server.asked
    with pytest.raises(openai.InternalServerError) as caught:
        client.audio.speech.create(model="tts-1", voice="alloy", input="BREAK at once.")
    assert caught.value.code == "synthesis_failed"
    assert server.asked - before == 1


def test_the_client_lists_models_and_gets_any(client: openai.OpenAI) -> None:
    assert "indextts-2" in [model.id for model in client.models.list()]
    assert client.models.retrieve("some/model").id == "some/model"


def test_livekit_gets_mp3_in_events_that_it_knows(server: Server) -> None:
    """LiveKit's agents read lines that begin with ``data: `` and pass over unknown types."""
    body = {"model": "gpt-4o-mini-tts", "voice": "ash", "input": TEXT, "speed": 1.0}
    url = f"{server.url}/v1/audio/speech"
    audio = b""
    is_done = False
    with httpx.stream("POST", url, json=body | {"stream_format": "sse"}, timeout=30) as answer:
        for line in answer.iter_lines():
            if not line.startswith("data: "):
                continue
            event = json.loads(line.removeprefix("data: "))
            if event["type"] == "speech.audio.delta":
                audio += base64.b64decode(event["audio"])
            elif event["type"] == "speech.audio.done":
                is_done = True
                assert set(event["usage"]) == {"input_tokens", "output_tokens", "total_tokens"}
    assert is_done
    assert seconds_by_pyav(audio) > 5


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"model": "tts-1", "voice": "alloy", "backend": "x"}, id="LibreChat"),
        pytest.param(
            {"model": "tts-1", "voice": "alloy", "response_format": "mp3", "speed": 1},
            id="SillyTavern",
        ),
        pytest.param({"model": "tts-1", "voice": "alloy"}, id="Open WebUI"),
        pytest.param(
            {"model": "tts-1", "voice": "nova", "speed": 1.0, "instructions": "None"},
            id="Home Assistant",
        ),
        pytest.param(
            {"model": "gpt-4o-mini-tts", "voice": "sage", "response_format": "pcm"}, id="Pipecat"
        ),
        pytest.param(
            {"model": "tts-1", "voice": "echo", "response_format": "wav"}, id="wyoming_openai"
        ),
    ],
)
def test_the_requests_of_other_programs_are_spoken(server: Server, body: dict[str, Any]) -> None:
    answer = post(server, input="Hello from another program.", **body)
    assert answer.status_code == 200
    is_mp3 = body.get("response_format", "mp3") == "mp3"
    assert (answer.headers["content-type"] == "audio/mpeg") is is_mp3


def test_open_webui_finds_its_models(server: Server) -> None:
    found = httpx.get(f"{server.url}/v1/audio/models").json()
    assert all(model["id"] for model in found["models"])
