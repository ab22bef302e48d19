"""Voices over HTTP, with the real voices folder and decoder."""

import io
import wave
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from entrypoints.container import Container
from entrypoints.http.app import build_app
from entrypoints.settings.settings import LocalSettings

VOICES = "/v1/audio/voices"
BUNDLED = files("adapters.filesystem").joinpath("bundled_voices", "default.ogg").read_bytes()


def buzz(seconds: float) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        moments = np.arange(int(seconds * 16_000))
        file.writeframes((9_000 * np.sin(moments * 0.05)).astype("<i2").tobytes())
    return content.getvalue()


class Server:
    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder / "voices"
        container = Container(
            settings=LocalSettings(
                audio_voices_dir=self.folder,
                output_audio_dir=folder / "out",
                tts_engine="preview",
                **settings,
            )
        )
        self.client = TestClient(build_app(container))

    def upload(self, content: bytes = BUNDLED, **fields: str) -> Any:
        given = {"name": "alice", "consent": "true"} | fields
        return self.client.post(
            VOICES, data=given, files={"audio_sample": ("from a browser", content)}
        )

    def names(self) -> list[str]:
        return [voice["id"] for voice in self.client.get(VOICES).json()["voices"]]


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def error_of(answer: Any) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


def test_lists_every_voice_with_the_names_that_mean_it(tmp_path: Path) -> None:
    answer = Server(tmp_path, voice_aliases="narrator=default").client.get(VOICES).json()
    [voice] = answer["voices"]
    assert answer["data"] == answer["voices"]
    assert (voice["id"], voice["object"]) == ("default", "audio.voice")
    assert voice["duration"] > 1
    assert {"narrator", "alloy", "cedar"} <= set(voice["aliases"])


def test_a_voice_that_was_uploaded_is_listed_heard_and_spoken(server: Server) -> None:
    answer = server.upload()
    assert (answer.status_code, answer.json()["id"]) == (200, "alice")
    assert server.names() == ["alice", "default"]
    recording = server.client.get(f"{VOICES}/alice/recording")
    assert recording.content == BUNDLED
    assert recording.headers["content-type"] == "audio/ogg"
    body = {"input": "Hello.", "voice": "alice"}
    assert server.client.post("/v1/audio/speech", json=body).status_code == 200


def test_a_recording_is_kept_under_the_ending_of_its_format(server: Server) -> None:
    server.upload(buzz(2), name="people/bob.mp3")
    assert (server.folder / "people" / "bob.wav").exists()


def test_a_browser_that_has_the_recording_gets_it_once(server: Server) -> None:
    first = server.client.get(f"{VOICES}/default/recording")
    again = server.client.get(
        f"{VOICES}/default/recording", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("content", "fields", "error"),
    [
        (BUNDLED, {"consent": "false"}, (400, "invalid_request", "consent")),
        (BUNDLED, {"name": " "}, (400, "invalid_request", "name")),
        (BUNDLED, {"name": "../alice"}, (400, "invalid_request", "name")),
        (BUNDLED, {"name": "é" * 200}, (400, "invalid_request", "name")),
        (BUNDLED, {"name": "default"}, (409, "conflict", "name")),
        (BUNDLED, {"name": "default", "replace": "true"}, (409, "conflict", "name")),
        (b"no recording", {}, (400, "bad_reference", "audio_sample")),
        (b"RIFF\0\0\0\0WAVEno recording", {}, (400, "bad_reference", "audio_sample")),
        (buzz(0.2), {}, (400, "bad_reference", "audio_sample")),
        (b"\0" * (10 * 2**20 + 1), {}, (413, "body_too_large", "audio_sample")),
    ],
)
def test_what_cannot_be_a_voice_is_refused_and_not_kept(
    server: Server, content: bytes, fields: dict[str, str], error: tuple[int, str, str]
) -> None:
    assert error_of(server.upload(content, **fields)) == error
    assert server.names() == ["default"]


def test_a_voice_is_replaced_only_where_the_upload_says_so(server: Server) -> None:
    server.upload()
    refused = server.upload(buzz(2))
    assert error_of(refused) == (409, "conflict", "name")
    assert refused.headers["x-should-retry"] == "false"
    assert server.upload(buzz(2), replace="true").status_code == 200
    assert server.client.get(f"{VOICES}/alice/recording").content == buzz(2)
    assert server.names() == ["alice", "default"]


def test_a_voice_is_removed_with_all_its_recordings(server: Server) -> None:
    server.upload()
    (server.folder / "alice.wav").write_bytes(buzz(2))
    answer = server.client.delete(f"{VOICES}/alice")
    assert answer.json() == {"object": "audio.voice", "id": "alice", "deleted": True}
    assert server.names() == ["default"]
    assert error_of(server.client.delete(f"{VOICES}/alice")) == (404, "unknown_voice", "name")


def test_an_upload_gets_no_name_that_the_operator_gave_to_another_voice(tmp_path: Path) -> None:
    server = Server(tmp_path, voice_aliases="narrator=default")
    for replace in ("false", "true"):
        answer = server.upload(name="narrator", replace=replace)
        assert error_of(answer) == (409, "conflict", "name")
    assert server.names() == ["default"]


def test_of_uploads_of_one_name_at_once_one_is_kept(server: Server) -> None:
    with ThreadPoolExecutor(6) as clients:
        answers = list(clients.map(lambda _: server.upload().status_code, range(6)))
    assert sorted(answers) == [200] + [409] * 5
    assert server.names() == ["alice", "default"]


def test_a_voice_is_removed_by_the_name_of_its_file_too(server: Server) -> None:
    server.upload()
    assert server.client.delete(f"{VOICES}/alice.ogg").json()["id"] == "alice"


def test_the_bundled_voice_cannot_be_removed(server: Server) -> None:
    assert error_of(server.client.delete(f"{VOICES}/default")) == (400, "invalid_request", "name")


@pytest.mark.parametrize(
    "name", ["..%2f..%2fetc%2fpasswd", "%00", "a%5cb", "%2fetc%2fpasswd", ".hidden"]
)
def test_names_that_lead_elsewhere_are_names_of_nothing(server: Server, name: str) -> None:
    for answer in (
        server.client.get(f"{VOICES}/{name}/recording"),
        server.client.delete(f"{VOICES}/{name}"),
    ):
        assert error_of(answer) == (404, "unknown_voice", "name")
        assert str(server.folder) not in answer.text


def test_a_body_that_is_no_form_is_refused(server: Server) -> None:
    assert error_of(server.client.post(VOICES, json={})) == (400, "invalid_request", "body")


def test_voices_of_a_bucket_are_not_changed_here(tmp_path: Path) -> None:
    server = Server(
        tmp_path,
        voices_s3_uri="s3://voices",
        voices_s3_endpoint_url="http://127.0.0.1:1",
        voices_s3_access_key_id="id",
        voices_s3_secret_access_key="secret",
    )
    assert error_of(server.upload()) == (409, "conflict", None)
    assert error_of(server.client.delete(f"{VOICES}/alice")) == (409, "conflict", None)
