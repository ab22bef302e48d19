"""README's commands, run as they are printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.audio import BUNDLED_VOICE
from tests.loopback.worker_process import ROOT

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
NOT_HERE = (
    "make test",  # this suite
    "make worker",  # installs torch
    "docker ",  # tests/image runs what these run
    "pip install",
    "indextts-runpod download",  # fetches gigabytes
    ". .venv/bin/activate",
)
COMMANDS = [
    line.partition("  #")[0].strip()
    for block in BLOCKS
    for line in block.splitlines()
    if line and not line.startswith(NOT_HERE)
]
PLAYER = f"""#!{sys.executable}
import io, pathlib, sys, wave
source = sys.argv[-1] if len(sys.argv) > 1 else io.BytesIO(sys.stdin.buffer.read())
assert wave.open(source).getframerate() == 24_000
pathlib.Path("played").touch()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with every file that README's examples name, and a player."""
    (tmp_path / "chapter.txt").write_text("Chapter one. It was quiet.")
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "1.txt").write_text("The first chapter.")
    (tmp_path / "book" / "2.txt").write_text("The second chapter.")
    (tmp_path / "my-recording.wav").write_bytes(BUNDLED_VOICE)
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "alice.ogg").write_bytes(BUNDLED_VOICE)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for player in ("aplay", "ffplay"):  # the machine may have the second one, and no sound
        (bin_folder / player).write_text(PLAYER)
    program = f'#!/bin/sh\nexec {sys.executable} -m entrypoints.cli "$@"\n'
    (bin_folder / "indextts-runpod").write_text(program)
    for path in bin_folder.iterdir():
        path.chmod(0o755)
    return tmp_path


MADE = {
    "--out hello.ogg": "hello.ogg",
    "-o chapter.mp3": "chapter.mp3",
    "--out-dir audio": "audio/2.m4a",
    "--play": "played",
    "| aplay": "played",
    "--json": "speech-hello.ogg",
}


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if command.split()[0] != "make"]
)
def test_a_command_of_the_readme_works_as_printed(folder: Path, command: str) -> None:
    if command.startswith("indextts-runpod voices add"):
        (folder / "voices" / "alice.ogg").unlink()
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env={
            "PATH": f"{folder / 'bin'}:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "AUDIO_VOICES_DIR": str(folder / "voices"),
            "TTS_ENGINE": "preview",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    for part, file in MADE.items():
        if part in command:
            assert (folder / file).exists(), done.stderr


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make")])
def test_the_readmes_make_commands_work_as_printed(tmp_path: Path, command: str) -> None:
    """Mark the packages as installed for make, and pass the folder of the installed command."""
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            f"{command} --old-file=.venv/run.stamp BIN={Path(sys.executable).parent}",
        ],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TTS_ENGINE": "preview"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip().splitlines()[-1]).stat().st_size > 1_000


def test_the_readme_and_the_notice_name_the_licences() -> None:
    readme, notice = ((ROOT / name).read_text() for name in ("README.md", "NOTICE"))

    assert "[NOTICE](NOTICE)" in readme
    for part in ("bilibili Model Use License Agreement", "libx264", "hibari-tts", "default.ogg"):
        assert part in notice
