"""The programs of ``examples/``, run as they are, and the requests that its settings lead to.

``tests/integration/test_openai_node.py`` runs the one for Node.
"""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.deployment.waiting import wait_until
from tests.e2e.audio import BUNDLED_VOICE, decoded_seconds
from tests.loopback.free_ports import free_ports
from tests.loopback.worker_process import ROOT, WorkerProcess

EXAMPLES = ROOT / "examples"
PLAYER = f"""#!{sys.executable}
import pathlib, sys
assert sys.argv[-2:] == ["-i", "-"]
pathlib.Path("played.mp3").write_bytes(sys.stdin.buffer.read())
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the server with the preview engine; yield the address that clients take."""
    folder = tmp_path_factory.mktemp("server")
    with free_ports(1) as [port]:
        server = WorkerProcess(
            *("-m", "entrypoints.cli", "serve", "--port", str(port)),
            environment={
                "TTS_ENGINE": "preview",
                "OUTPUT_AUDIO_DIR": str(folder / "out"),
                "AUDIO_VOICES_DIR": str(folder / "voices"),
                "CHECKPOINTS_DIR": str(folder / "checkpoints"),
            },
            log=folder / "log",
        )
        wait_until(lambda: "listening" in server.printed(), lambda: server.is_alive)
        yield f"http://localhost:{port}/v1"
        assert server.stop() == 0, server.printed()


@pytest.fixture
def run(address: str, tmp_path: Path) -> Callable[..., str]:
    """Run a program in an empty folder, whose player keeps what it gets."""
    player = tmp_path / "bin" / "ffplay"
    player.parent.mkdir()
    player.write_text(PLAYER)
    player.chmod(0o755)

    def run(*command: str) -> str:
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={
                "PATH": f"{player.parent}:{os.environ['PATH']}",
                "OPENAI_BASE_URL": address,
                "OPENAI_API_KEY": "none is asked for",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_python_gets_a_file_events_and_an_error(run: Callable[..., str], tmp_path: Path) -> None:
    printed = run(sys.executable, str(EXAMPLES / "openai_python.py"))

    for name in ("morning.mp3", "events.mp3"):
        assert decoded_seconds((tmp_path / name).read_bytes()) > 1
    assert "morning.mp3, seed 7\n0.0 s: Good morning. The kettle is on.\n31 characters\n" in printed
    assert "400 unknown_voice, field voice: " in printed


def test_curl_adds_a_voice_and_speaks_with_it(run: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "my-recording.ogg").write_bytes(BUNDLED_VOICE)

    added = json.loads(run(str(EXAMPLES / "curl.sh"), "my-recording.ogg", "alice"))

    assert added["id"] == "alice"
    assert decoded_seconds((tmp_path / "morning.mp3").read_bytes()) > 1


def test_curl_speaks_into_a_file(run: Callable[..., str], tmp_path: Path) -> None:
    assert run(str(EXAMPLES / "curl.sh")) == ""
    assert decoded_seconds((tmp_path / "morning.mp3").read_bytes()) > 1


def test_the_player_gets_the_speech(run: Callable[..., str], tmp_path: Path) -> None:
    run(str(EXAMPLES / "play.sh"))

    assert decoded_seconds((tmp_path / "played.mp3").read_bytes()) > 1


def open_webui() -> tuple[str, dict[str, Any]]:
    lines = (EXAMPLES / "open_webui.env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert settings["AUDIO_TTS_ENGINE"] == "openai"
    return f"{settings['AUDIO_TTS_OPENAI_API_BASE_URL']}/audio/speech", {
        "model": settings["AUDIO_TTS_MODEL"],
        "voice": settings["AUDIO_TTS_VOICE"],
    }


def livekit() -> tuple[str, dict[str, Any]]:
    program = ast.parse((EXAMPLES / "livekit_agent.py").read_text())
    [call] = [
        node
        for node in ast.walk(program)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "openai.TTS"
    ]
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    base_url = given["base_url"]
    assert isinstance(base_url, ast.Call)
    address = ast.literal_eval(base_url.args[1])
    body = {str(name): ast.literal_eval(given[name]) for name in ("model", "voice", "instructions")}
    return f"{address}/audio/speech", body | {"speed": 1.0, "stream_format": "sse"}


def home_assistant() -> tuple[str, dict[str, Any]]:
    text = (EXAMPLES / "home_assistant.yaml").read_text()
    endpoint = re.search(r"endpoint (\S+), ", text.replace("\n# ", " "))
    assert endpoint is not None
    [step] = yaml.safe_load(text)["good_morning"]["sequence"]
    data = step["data"]
    body = {"model": "tts-1", "voice": data["voice"], "speed": data["speed"]}
    return endpoint[1], body | json.loads(data["extra_payload"])


def litellm() -> tuple[str, dict[str, Any]]:
    [model] = yaml.safe_load((EXAMPLES / "litellm.yaml").read_text())["model_list"]
    given = model["litellm_params"]
    provider, name = given["model"].split("/")
    assert provider == "openai"
    return f"{given['api_base']}/audio/speech", {"model": name, "voice": "alloy"}


@pytest.mark.parametrize("program", [open_webui, livekit, home_assistant, litellm])
def test_the_settings_of_a_program_lead_to_speech(
    address: str, program: Callable[[], tuple[str, dict[str, Any]]]
) -> None:
    url, body = program()

    answer = httpx.post(
        re.sub(r"^http://[\w.]+:8000/v1", address, url),
        json=body | {"input": "Good morning."},
        timeout=60,
    )

    assert answer.status_code == 200, answer.text
    assert "x-ignored-fields" not in answer.headers
    assert answer.url.path == "/v1/audio/speech"


def test_every_example_is_in_the_list() -> None:
    listed = set(re.findall(r"\]\(([\w.]+)\)", (EXAMPLES / "README.md").read_text()))
    of_npm = {"package.json", "package-lock.json"}
    endings = {".env", ".mjs", ".py", ".sh", ".yaml", ".json"}
    found = {path.name for path in EXAMPLES.iterdir() if path.suffix in endings}

    assert listed == found - of_npm
