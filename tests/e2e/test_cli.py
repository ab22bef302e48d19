"""The command line as a person and a program use it, in a process of its own."""

import base64
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
TEXT = "Hello there. How are you today? I hope that you are well."

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AUDIO_VOICES_DIR": str(tmp_path / "voices"),
        "OUTPUT_AUDIO_DIR": str(tmp_path / "output"),
        "TTS_ENGINE": "preview",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run(*arguments: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "entrypoints.cli", *arguments],
            cwd=ROOT,
            env={**environment, **settings},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def decoded(path: Path | str) -> tuple[np.ndarray, int]:
    """Samples as int16 or float, and the rate in Hz."""
    with av.open(path) as container:
        frames = list(container.decode(container.streams.audio[0]))
    return np.concatenate([frame.to_ndarray().ravel() for frame in frames]), frames[0].sample_rate


def test_speaks_and_prints_where_the_audio_is(run: Run, tmp_path: Path) -> None:
    done = run("speak", TEXT)

    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip())
    assert path.parent == tmp_path / "output"
    assert path.suffix == ".ogg"
    samples, _ = decoded(path)
    assert np.abs(samples).max() > 0.1
    assert "s of speech" in done.stderr


def test_prints_the_workers_result_and_nothing_else(run: Run) -> None:
    done = run("speak", TEXT, "--json", "--seed", "7", "--session-id", "s-1")

    result = json.loads(done.stdout)
    assert result["status"] == "completed"
    assert result["filename"] == result["s3_key"] == "s-1.ogg"
    metadata = result["metadata"]
    assert (metadata["engine"], metadata["seed"], metadata["codec"]) == ("preview", 7, "opus")
    assert (metadata["sample_rate"], metadata["bitrate"]) == (24_000, "128k")
    assert metadata["speaker_voice"] == "default.ogg"
    samples, rate = decoded(result["url"].removeprefix("file://"))
    assert metadata["duration"] == pytest.approx(len(samples) / rate, abs=0.01)
    assert "".join(chunk["text"] for chunk in metadata["chunks"]) == TEXT
    assert done.stderr == ""


def test_the_ending_chooses_the_format(run: Run, tmp_path: Path) -> None:
    for ending, codec in [("mp3", "mp3float"), ("flac", "flac"), ("m4a", "aac"), ("opus", "opus")]:
        out = tmp_path / "new folder" / f"speech.{ending}"
        done = run("speak", "Hello.", "--out", str(out))

        assert done.stdout.strip() == str(out), done.stderr
        with av.open(out) as container:
            assert container.streams.audio[0].codec_context.name == codec


def test_streamed_pieces_are_the_samples_of_the_file(run: Run, tmp_path: Path) -> None:
    request = ["speak", TEXT, "--seed", "3", "--max-chars-per-chunk", "50"]
    run(*request, "--out", str(tmp_path / "batch.wav"))
    streamed = run(*request, "--stream", "--json")
    run(*request, "--stream", "--out", str(tmp_path / "stream.wav"))

    *pieces, end = map(json.loads, streamed.stdout.splitlines())
    assert [piece["chunk"] for piece in pieces] == list(range(1, len(pieces) + 1))
    assert (end["status"], end["total_chunks"]) == ("complete", len(pieces))
    samples = np.frombuffer(
        b"".join(base64.b64decode(piece["audio_chunk"]) for piece in pieces), dtype="<i2"
    )
    batch, rate = decoded(tmp_path / "batch.wav")
    assert len(end["metadata"]["chunks"]) == 2
    assert rate == pieces[0]["sample_rate"]
    np.testing.assert_array_equal(samples, batch)
    np.testing.assert_array_equal(samples, decoded(tmp_path / "stream.wav")[0])


def test_pipes_raw_samples_into_a_player(run: Run, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "entrypoints.cli", "speak", "Hello.", "--stream", "--out", "-"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=True,
    )

    assert np.abs(np.frombuffer(done.stdout, dtype="<i2")).max() > 3_000


def test_the_same_seed_repeats_the_file(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run("speak", TEXT, "--seed", "5", "--out", str(tmp_path / f"{name}.wav"))
    run("speak", TEXT, "--seed", "6", "--out", str(tmp_path / "c.wav"))

    a, b, c = ((tmp_path / f"{name}.wav").read_bytes() for name in "abc")
    assert a == b != c


def test_reads_standard_input_and_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("\ufeffRead me.", encoding="utf-8")

    piped = run("speak", "-", "--json", stdin="Piped in.")
    read = run("speak", "--file", str(tmp_path / "text.txt"), "--json")

    assert json.loads(piped.stdout)["metadata"]["chunks"][0]["text"] == "Piped in."
    assert json.loads(read.stdout)["metadata"]["chunks"][0]["text"] == "Read me."


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["speak"], 2, "give a TEXT"),
        (["speak", ""], 2, "invalid_request: text: has no letter"),
        (["speak", "?!"], 2, "invalid_request: text: has no letter"),
        (["speak", "你好"], 2, "invalid_request: text: the preview engine speaks English only"),
        (["speak", "x" * 10_001], 2, "text: has 10001 characters; at most 10000"),
        (["speak", "Hi", "--crossfade-ms", "-5"], 2, "crossfade_ms: must be at least 0"),
        (["speak", "Hi", "--crossfade-ms", "x"], 2, "'x' is not a valid integer"),
        (["speak", "Hi", "--emo-vector", "1,2"], 2, "emo_vector[1]: must be at most 1"),
        (["speak", "Hi", "--emo-vector", "happy"], 2, "not a list of numbers"),
        (["speak", "Hi", "--emo-text", "joy"], 2, "emo_text: has no effect"),
        (["speak", "Hi", "--nope"], 2, "No such option"),
        (["speak", "Hi", "--out", "a.txt"], 2, "no format has the ending .txt"),
        (["speak", "Hi", "--out", "a.mp3", "--format", "wav"], 2, "does not end like"),
        (["speak", "--file", "/nowhere/x"], 2, "cannot be read"),
        (
            ["speak", "Hi", "--voice", "nobody"],
            1,
            "unknown_voice: there is no voice named 'nobody'",
        ),
        (["speak", "Hi", "--voice", "../x"], 1, "unknown_voice: there is no voice named '../x'"),
        (["speak", "Hi", "--emo-audio-prompt", "/etc/passwd"], 1, "unknown_voice"),
        (["speak", "Hi", "--out", "/proc/x/y.wav"], 1, "storage_failed"),
        (["speak", "Hi", "--out", "/proc/y.wav", "--stream"], 1, "storage_failed"),
        (["voices", "add", "/nowhere.wav"], 2, "cannot be read"),
        (["fly"], 2, "No such command 'fly'"),
    ],
)
def test_bad_input_is_one_clear_line_on_standard_error(
    run: Run, arguments: list[str], status: int, complaint: str
) -> None:
    done = run(*arguments)

    assert (done.returncode, done.stdout) == (status, "")
    assert complaint in done.stderr
    assert done.stderr.startswith("indextts-runpod: ")
    assert done.stderr.count("\n") == 1


def test_wrong_settings_are_one_line_each(run: Run) -> None:
    done = run("doctor", TTS_ENGINE="festival", MAX_TEXT_CHARS="many")

    assert done.returncode == 2
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [
        "TTS_ENGINE",
        "MAX_TEXT_CHARS",
    ]


def test_a_session_that_another_job_used_is_a_conflict(run: Run, tmp_path: Path) -> None:
    run("speak", "First.", "--session-id", "mine")
    before = (tmp_path / "output" / "mine.ogg").read_bytes()

    done = run("speak", "Second.", "--session-id", "mine")

    assert (done.returncode, done.stderr.split(": ")[1]) == (1, "conflict")
    assert (tmp_path / "output" / "mine.ogg").read_bytes() == before


def test_an_added_voice_is_listed_checked_and_used(run: Run, tmp_path: Path) -> None:
    recording = tmp_path / "my voice.wav"
    run("speak", TEXT, "--out", str(recording))

    added = run("voices", "add", str(recording), "--name", "narrators/alice")
    listed = run("voices", "list", "--json")
    checked = run("voices", "check", "narrators/alice", "default")
    spoken = run("speak", "Hello.", "--voice", "narrators/alice", "--json")

    assert added.stdout.startswith("added narrators/alice.wav"), added.stderr
    assert [voice["file"] for voice in json.loads(listed.stdout)["voices"]] == [
        "default.ogg",
        "narrators/alice.wav",
    ]
    assert json.loads(listed.stdout)["voices"][1]["duration"] > 2
    assert checked.returncode == 0
    metadata = json.loads(spoken.stdout)["metadata"]
    assert metadata["speaker_voice"] == "narrators/alice.wav"
    assert metadata["warnings"] == [
        "engine preview has one voice of its own: speaker_voice had no effect"
    ]
    assert run("voices", "add", str(recording), "--name", "narrators/alice").returncode == 2


def test_a_broken_recording_is_refused_everywhere(run: Run, tmp_path: Path) -> None:
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "broken.wav").write_bytes(b"no sound")

    for arguments in (
        ["speak", "Hello.", "--voice", "broken"],
        ["voices", "add", str(tmp_path / "voices" / "broken.wav"), "--name", "other"],
    ):
        done = run(*arguments)
        assert (done.returncode, done.stderr.split(": ")[1]) == (1, "bad_reference")
    assert run("voices", "check").returncode == 1
    assert "broken.wav is not a recording" in run("voices", "list").stdout
    assert run("doctor").returncode == 1


def test_the_doctor_finds_a_working_machine_well(run: Run, tmp_path: Path) -> None:
    done = run("doctor")

    assert done.returncode == 0, done.stdout
    assert "PROBLEM" not in done.stdout
    assert str(tmp_path / "output") in done.stdout


def test_the_doctor_says_what_to_do(run: Run) -> None:
    done = run("doctor", OUTPUT_AUDIO_DIR="/proc/nowhere")

    assert done.returncode == 1
    assert "-> set OUTPUT_AUDIO_DIR" in done.stdout


def test_a_terminal_sees_progress_and_a_pipe_does_not(
    run: Run, environment: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "entrypoints.cli", "speak", TEXT]
    ours, theirs = pty.openpty()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    on_terminal = os.read(ours, 65_536).decode()
    os.close(ours)

    assert "Speaking" in on_terminal
    assert done.stdout.endswith(b".ogg\n")
    assert "Speaking" not in run("speak", TEXT).stderr


def test_help_lists_every_command_and_option(run: Run) -> None:
    assert all(name in run("--help").stdout for name in ("speak", "voices", "doctor", "download"))
    options = run("speak", "--help").stdout
    for option in ("--voice", "--out", "--format", "--seed", "--stream", "--emo-vector", "--json"):
        assert option in options


def test_help_loads_no_library_but_the_command_lines_own(environment: dict[str, str]) -> None:
    program = (
        "import sys; from entrypoints.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "print([n for n in ('numpy', 'pydantic', 'dependency_injector', 'av') if n in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    assert done.stdout.endswith("[]\n")


def test_serving_without_the_sdk_says_what_to_install(environment: dict[str, str]) -> None:
    program = (
        "import sys; sys.modules['runpod'] = None  # what import does where it is not installed\n"
        "from entrypoints.cli.main import main; sys.argv = ['indextts-runpod', 'serve']; main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "pip install 'indextts-runpod[worker]'" in done.stderr.splitlines()[-1]
