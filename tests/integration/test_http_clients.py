"""OpenAI's own client, and the requests of other programs, against a real server."""

import base64
import io
import json
import subprocess
from collections.abc import Iterator
from typing import Any, Literal

import av
import httpx
import imageio_ffmpeg
import numpy as np
import openai
import pytest

from tests.e2e.audio import BUNDLED_VOICE
from tests.models.counting_server import SPEECH, VOICES, CountingServer, counting_server

Format = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
FORMATS: tuple[Format, ...] = ("mp3", "opus", "aac", "flac", "wav", "pcm")
PACKED: tuple[Format, ...] = ("mp3", "opus", "aac", "flac", "wav")
TEXT = "A sentence of some length, spoken for a client. " * 4
CODEC_SECONDS = 0.1
"""What encoders add at both ends: priming, and the rest of a frame."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountingServer]:
    with counting_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: CountingServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none is asked for") as client:
        yield client


def post(server: CountingServer, **body: Any) -> httpx.Response:
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


def test_the_clients_player_gets_24_khz(client: openai.OpenAI, server: CountingServer) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="coral", input=TEXT, response_format="pcm"
    ) as answer:
        samples = np.frombuffer(b"".join(answer.iter_bytes(1024)), "<i2")
    wav = post(server, input=TEXT, response_format="wav", sample_rate=24_000).content
    assert abs(len(samples) / 24_000 - seconds_by_pyav(wav)) < 0.001


@pytest.mark.parametrize("kind", PACKED)
def test_a_streamed_file_decodes_to_its_full_length(server: CountingServer, kind: Format) -> None:
    pcm = post(server, input=TEXT, seed=1, response_format="pcm").content
    content = post(server, input=TEXT, seed=1, response_format=kind).content
    spoken = len(pcm) / 2 / 24_000
    assert abs(seconds_by_pyav(content) - spoken) < CODEC_SECONDS
    assert abs(seconds_by_ffmpeg(content) - spoken) < CODEC_SECONDS


def test_two_streamed_mp3s_put_end_to_end_are_one(server: CountingServer) -> None:
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


def test_a_failed_synthesis_is_asked_for_once(
    client: openai.OpenAI, server: CountingServer
) -> None:
    before = server.asked[SPEECH]
    with pytest.raises(openai.InternalServerError) as caught:
        client.audio.speech.create(model="tts-1", voice="alloy", input="BREAK at once.")
    assert caught.value.code == "synthesis_failed"
    assert server.asked[SPEECH] - before == 1


def test_a_conflict_is_asked_for_once(client: openai.OpenAI, server: CountingServer) -> None:
    def add() -> str:
        sample = ("nora.ogg", BUNDLED_VOICE)
        return client.audio.voices.create(name="nora", consent="mine", audio_sample=sample).id

    assert add() == "nora"
    before = server.asked[VOICES]
    with pytest.raises(openai.ConflictError) as caught:
        add()
    assert (caught.value.code, caught.value.param) == ("conflict", "name")
    assert server.asked[VOICES] - before == 1


def test_the_client_lists_models_and_gets_any(client: openai.OpenAI) -> None:
    assert "indextts-2" in [model.id for model in client.models.list()]
    assert client.models.retrieve("some/model").id == "some/model"


def test_livekit_gets_mp3_in_events_that_it_knows(server: CountingServer) -> None:
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
def test_the_requests_of_other_programs_are_spoken(
    server: CountingServer, body: dict[str, Any]
) -> None:
    answer = post(server, input="Hello from another program.", **body)
    assert answer.status_code == 200
    is_mp3 = body.get("response_format", "mp3") == "mp3"
    assert (answer.headers["content-type"] == "audio/mpeg") is is_mp3


def test_open_webui_finds_its_models(server: CountingServer) -> None:
    found = httpx.get(f"{server.url}/v1/audio/models").json()
    assert all(model["id"] for model in found["models"])
