"""The commands ``voices``: list, add, check, remove and rename."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.audio import BUNDLED_VOICE
from tests.e2e.conftest import Run
from tests.loopback.forked_cli import ForkedCli
from tests.tiny_checkpoint.voices import write_wav

TAKEN = "invalid_request: name: there is a voice 'alice' already, in alice.mp3; replace it with"


@pytest.fixture
def run(cli: ForkedCli, environment: dict[str, str], tmp_path: Path) -> Run:
    """Return a function that runs the command line in the folder of the test."""

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return cli.run(*arguments, environment=environment | settings, cwd=tmp_path)

    return run


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    folder = tmp_path / "voices"
    folder.mkdir()
    return folder


def write_tone(path: Path) -> None:
    """Write six seconds of a tone, which is no speech."""
    tone = 8_000 * np.sin(np.arange(96_000) * 0.17)
    write_wav(path, tone.astype(np.int16), 16_000)


def test_two_files_of_one_name_are_one_voice_and_the_other_is_reported(
    run: Run, voices: Path
) -> None:
    for ending in ("mp3", "wav"):
        (voices / f"alice.{ending}").write_bytes(BUNDLED_VOICE)

    listed, checked = run("voices", "list"), run("voices", "check")
    as_json = json.loads(run("voices", "list", "--json").stdout)["voices"]
    doctor = run("doctor")

    assert [voice["file"] for voice in as_json] == ["alice.wav", "default.ogg"]
    assert listed.stdout.count("alice") == 2  # the name and the file
    for report in (listed.stderr, checked.stderr, doctor.stdout):
        assert "alice.mp3 is shadowed by alice.wav" in report
    assert (checked.returncode, doctor.returncode) == (0, 0)


def test_a_name_that_is_taken_is_replaced_with_the_option_only(
    run: Run, voices: Path, tmp_path: Path
) -> None:
    (voices / "alice.mp3").write_bytes(b"the old one")
    (tmp_path / "new.ogg").write_bytes(BUNDLED_VOICE)

    refused = run("voices", "add", "new.ogg", "--name", "alice")
    assert (refused.returncode, TAKEN in refused.stderr) == (2, True)
    replaced = run("voices", "add", "new.ogg", "--name", "alice.ogg", "--replace")

    assert replaced.stdout == "added alice.ogg: use it with --voice alice\n"
    assert [path.name for path in voices.iterdir()] == ["alice.ogg"]


def test_a_voice_is_renamed_and_removed(run: Run, voices: Path) -> None:
    for ending in ("ogg", "wav"):
        (voices / f"alice.{ending}").write_bytes(BUNDLED_VOICE)

    renamed = run("voices", "rename", "alice", "narrators/bob", DEFAULT_VOICE="alice")
    removed = run("voices", "remove", "alice", DEFAULT_VOICE="alice")
    unknown = run("voices", "remove", "narrators/rob")

    assert renamed.stdout == (
        "renamed alice.wav to narrators/bob.wav: use it with --voice narrators/bob\n"
    )
    assert renamed.stderr == "alice means alice.ogg now\n"
    assert removed.stdout == "removed alice.ogg\n"
    assert removed.stderr == "warning: DEFAULT_VOICE is alice; set it to another voice\n"
    assert unknown.returncode == 1
    assert "available: narrators/bob, default" in unknown.stderr
    assert [path.name for path in voices.iterdir()] == ["narrators"]


def test_a_recording_that_is_no_speech_is_added_with_a_warning(run: Run, tmp_path: Path) -> None:
    write_tone(tmp_path / "tone.wav")
    (tmp_path / "speech.ogg").write_bytes(BUNDLED_VOICE)

    tone, speech = run("voices", "add", "tone.wav"), run("voices", "add", "speech.ogg")
    checked = run("voices", "check")

    assert (tone.returncode, tone.stdout[:14]) == (0, "added tone.wav")
    assert tone.stderr.startswith("warning: this does not sound like a person speaking")
    assert speech.stderr == ""
    assert checked.returncode == 0
    assert checked.stderr == f"warning: tone: {tone.stderr.removeprefix('warning: ')}"


def test_a_path_to_a_recording_is_a_voice_for_speak_and_check(run: Run, tmp_path: Path) -> None:
    (tmp_path / "me.ogg").write_bytes(BUNDLED_VOICE)
    spoken = run("speak", "Hello.", "--voice", "./me.ogg", "--emo-audio-prompt", "me.ogg", "--json")
    streamed = run("speak", "Hello.", "--voice", "me.ogg", "--stream", "--out", "out.wav")
    checked = run("voices", "check", "./me.ogg", "./gone.ogg")

    assert json.loads(spoken.stdout)["metadata"]["speaker_voice"] == "me.ogg"
    assert streamed.stdout == f"{tmp_path / 'out.wav'}\n"
    assert checked.returncode == 1
    assert [line.split()[0] for line in checked.stdout.splitlines()] == ["./me.ogg", "./gone.ogg"]
