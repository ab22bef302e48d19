"""OpenAI's own client for Node, and the example that uses it, against a real server."""

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.audio import decoded_seconds
from tests.models.counting_server import SPEECH, VOICES, CountingServer, counting_server

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
CALLS = Path(__file__).with_name("openai_node_calls.mjs")
CONTENT_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm;rate=24000;channels=1",
}
REASON = "node and npm are not on the path; install Debian's packages nodejs and npm"
UNREACHABLE = re.compile(r"npm error code (EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ENETUNREACH|ETIMEDOUT)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with the example, and with the client that its lock file names."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip(REASON)
    folder = tmp_path_factory.mktemp("node")
    names = ("package.json", "package-lock.json", "openai_node.mjs")
    for path in (*(EXAMPLES / name for name in names), CALLS):
        shutil.copy(path, folder)
    done = subprocess.run(
        [
            "npm",
            "ci",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--fetch-retry-mintimeout=500",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if unreachable := UNREACHABLE.search(done.stderr):
        pytest.skip(f"npm reaches no registry: {unreachable[1]}")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountingServer]:
    with counting_server(tmp_path_factory.mktemp("server")) as server:
        yield server


def node(folder: Path, server: CountingServer, *arguments: str) -> str:
    done = subprocess.run(
        ["node", *arguments],
        cwd=folder,
        env=os.environ | {"OPENAI_BASE_URL": f"{server.url}/v1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def called(folder: Path, server: CountingServer, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(node(folder, server, CALLS.name, *arguments))
    return found


def test_the_example_gets_a_file_events_and_an_error(folder: Path, server: CountingServer) -> None:
    printed = node(folder, server, "openai_node.mjs")

    file, events = ((folder / name).read_bytes() for name in ("morning.mp3", "events.mp3"))
    assert abs(decoded_seconds(file) - decoded_seconds(events)) < 0.1
    assert re.search(r"^morning\.mp3, seed \d+$", printed, re.MULTILINE)
    assert "0 s: Good morning. The kettle is on.\n31 characters\n" in printed
    assert "400 unknown_voice, field voice: there is no voice named 'nobody'" in printed


def test_the_client_gets_every_format(folder: Path, server: CountingServer) -> None:
    audio = called(folder, server, "formats", ",".join(CONTENT_TYPES))

    assert {name: found["type"] for name, found in audio.items()} == CONTENT_TYPES
    content = {name: base64.b64decode(found["content"]) for name, found in audio.items()}
    spoken = len(content.pop("pcm")) / 2 / 24_000
    assert spoken > 0.5
    for name, packed in content.items():
        assert abs(decoded_seconds(packed) - spoken) < 0.1, name


def test_the_client_gets_bytes_while_the_rest_is_being_spoken(
    folder: Path, server: CountingServer
) -> None:
    assert called(folder, server, "stream", str(server.gate))["parts"] > 1


def test_a_failed_synthesis_is_asked_for_once(folder: Path, server: CountingServer) -> None:
    before = server.asked[SPEECH]

    found = called(folder, server, "failure")

    assert (found["status"], found["code"]) == (500, "synthesis_failed")
    assert server.asked[SPEECH] - before == 1


def test_a_conflict_is_asked_for_once(folder: Path, server: CountingServer) -> None:
    with as_file(files("adapters.filesystem") / "bundled_voices" / "default.ogg") as recording:
        found = called(folder, server, "conflict", str(recording))

    assert found == {"id": "nora", "status": 409, "code": "conflict", "param": "name"}
    assert server.asked[VOICES] == 2  # it was added once, and refused once


def test_the_lock_file_names_no_host() -> None:
    assert not re.search(r"https?:", (EXAMPLES / "package-lock.json").read_text())
