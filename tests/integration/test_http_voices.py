"""Voices over HTTP, with the real voices folder and decoder."""

import io
import uuid
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
from tests.loopback.s3_proxy import FaultyProxy, refusal
from tests.loopback.seaweed import ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY

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
        self.container = Container(
            settings=LocalSettings(
                audio_voices_dir=self.folder,
                output_audio_dir=folder / "out",
                tts_engine="preview",
                **settings,
            )
        )
        self.client = TestClient(build_app(self.container))

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


class SharedServers:
    """Servers with a folder each, and one bucket."""

    def __init__(self, folder: Path, endpoint_url: str) -> None:
        self.folder = folder
        self.bucket: dict[str, Any] = {
            "voices_s3_uri": f"s3://{BUCKET}/{folder.name}-{uuid.uuid4().hex}",
            "voices_s3_endpoint_url": endpoint_url,
            "voices_s3_access_key_id": ACCESS_KEY_ID,
            "voices_s3_secret_access_key": SECRET_ACCESS_KEY,
        }

    def start(self, name: str) -> Server:
        return Server(self.folder / name, **self.bucket)


@pytest.fixture
def servers(tmp_path: Path, proxy: FaultyProxy) -> SharedServers:
    return SharedServers(tmp_path, proxy.url)


def test_a_voice_that_one_server_was_given_is_spoken_by_another(servers: SharedServers) -> None:
    first, second = servers.start("first"), servers.start("second")
    assert first.upload(name="people/alice").status_code == 200

    body = {"input": "Hello.", "voice": "people/alice"}
    assert second.client.post("/v1/audio/speech", json=body).status_code == 200

    assert second.names() == ["default", "people/alice"]
    assert first.container.voice_sync().run().unchanged == ("people/alice.ogg",)


def test_a_voice_that_was_removed_does_not_come_back_from_the_bucket(
    servers: SharedServers,
) -> None:
    server = servers.start("first")
    server.upload(buzz(2))
    server.upload(replace="true")

    assert server.client.delete(f"{VOICES}/alice").json()["deleted"] is True

    for known in (server, servers.start("second")):
        known.container.voice_sync().run()
        assert known.names() == ["default"]


def test_of_one_name_given_to_two_servers_one_is_kept(servers: SharedServers) -> None:
    first, second = servers.start("first"), servers.start("second")
    first.upload()

    assert error_of(second.upload(buzz(2))) == (409, "conflict", "name")

    assert second.names() == ["default"]


def test_what_the_bucket_refuses_is_kept_nowhere(
    servers: SharedServers, proxy: FaultyProxy
) -> None:
    server = servers.start("first")
    server.upload(name="bob")
    proxy.fail(refusal(403, "AccessDenied"), method="PUT")
    proxy.fail(refusal(403, "AccessDenied"), method="DELETE")

    answer = server.upload()
    assert error_of(answer) == (502, "storage_failed", None)
    assert answer.headers["x-should-retry"] == "false"
    assert error_of(server.client.delete(f"{VOICES}/bob")) == (502, "storage_failed", None)

    assert server.names() == ["bob", "default"]
