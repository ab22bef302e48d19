"""The command line as a person and a program use it, in a process of its own."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from entrypoints.installation import install_command
from entrypoints.settings.settings import CliSettings
from tests.e2e.audio import decoded
from tests.e2e.conftest import Run
from tests.e2e.terminal import run_on_terminal
from tests.loopback.worker_process import ROOT

TEXT = "Hello there. How are you today? I hope that you are well."


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


def test_an_inline_store_of_the_environment_leaves_the_audio_in_a_file(run: Run) -> None:
    done = run("speak", TEXT, "--session-id", "s-1", "--json", OBJECT_STORE="inline")

    result = json.loads(done.stdout)
    assert Path(result["url"].removeprefix("file://")).name == "s-1.ogg"


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
        (["speak", "你好"], 2, "invalid_request: text: the preview engine speaks English only"),
        (
            ["speak", "Hi", "--voice", "nobody"],
            1,
            "unknown_voice: there is no voice named 'nobody'",
        ),
        (["speak", "Hi", "--voice", "../x"], 1, "unknown_voice: there is no voice named '../x'"),
        (["speak", "Hi", "--emo-audio-prompt", "/etc/passwd"], 1, "bad_reference: passwd is not"),
        (["speak", "Hi", "--voice", "./nothing.wav"], 1, "unknown_voice"),
        (["voices", "remove", "default"], 2, "the bundled voice cannot be removed"),
        (["voices", "rename", "nobody", "x"], 1, "unknown_voice"),
        (["speak", "Hi", "--out", "/proc/x/y.wav"], 1, "storage_failed"),
        (["speak", "Hi", "--out", "/proc/y.wav", "--stream"], 1, "storage_failed"),
        (["speak", "Hi", "--out-dir", "/proc"], 1, "storage_failed"),
    ],
)
def test_a_failure_is_one_clear_line_on_standard_error(
    run: Run, arguments: list[str], status: int, complaint: str
) -> None:
    done = run(*arguments)

    assert (done.returncode, done.stdout) == (status, "")
    assert complaint in done.stderr
    assert done.stderr.startswith("indextts-runpod: ")
    assert done.stderr.count("\n") == 1


def test_wrong_settings_are_one_line_each(run: Run) -> None:
    done = run("speak", "Hello.", TTS_ENGINE="festival", MAX_TEXT_CHARS="many")

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


def test_the_doctor_finds_no_problem_on_a_working_machine(run: Run, tmp_path: Path) -> None:
    done = run("doctor")

    assert done.returncode == 0, done.stdout
    assert "PROBLEM" not in done.stdout
    assert str(tmp_path / "output") in done.stdout


def test_the_doctor_reports_wrong_settings_as_problems(run: Run) -> None:
    done = run("doctor", TTS_ENGINE="festival", MAX_TEXT_CHARS="many")

    assert (done.returncode, done.stderr) == (1, "")
    problems = [line for line in done.stdout.splitlines() if line.startswith("PROBLEM")]
    assert [line.split(": ")[0].split()[-1] for line in problems] == [
        "TTS_ENGINE",
        "MAX_TEXT_CHARS",
    ]


def test_the_doctor_shows_every_setting_with_its_source_and_no_secret(run: Run) -> None:
    done = run(
        "doctor",
        "--json",
        OBJECT_STORE="s3",
        S3_BUCKET_NAME="speech",
        BUCKET_ENDPOINT_URL="http://127.0.0.1:9",
        BUCKET_ACCESS_KEY_ID="my-key",
        S3_SECRET_ACCESS_KEY="my-secret",
        HF_ENDPOINT="https://me:my-password@hub.example",
    )

    report = {
        finding["subject"].removeprefix("setting "): finding["found"]
        for finding in json.loads(done.stdout)["findings"]
    }
    assert done.returncode == 1  # nothing listens there
    assert {name.upper() for name in CliSettings.model_fields} <= set(report)
    assert report["S3_ENDPOINT_URL"] == "http://127.0.0.1:9 (from BUCKET_ENDPOINT_URL)"
    assert report["S3_SECRET_ACCESS_KEY"] == "******** (from S3_SECRET_ACCESS_KEY)"
    assert report["S3_REGION"] == "us-east-1 (default)"
    assert "cannot be reached" in report["output (s3)"]
    assert not any(word in done.stdout for word in ("my-key", "my-secret", "my-password"))


def test_the_doctor_checks_with_a_workers_defaults_where_it_is_asked_to(run: Run) -> None:
    done = run("doctor", "--worker", TTS_ENGINE=None)

    assert done.returncode == 1
    assert "setting S3_BUCKET_NAME: must be set to the bucket" in done.stdout


def test_the_doctor_prints_advice_for_a_problem(run: Run) -> None:
    done = run("doctor", OUTPUT_AUDIO_DIR="/proc/nowhere")

    assert done.returncode == 1
    assert "-> set OUTPUT_AUDIO_DIR" in done.stdout


def test_progress_is_shown_on_a_terminal_and_not_in_a_pipe(
    run: Run, environment: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "entrypoints.cli", "speak", TEXT]
    done = run_on_terminal(command, environment)

    assert done.returncode == 0
    assert "Speaking" in done.shown
    assert done.stdout.endswith(b".ogg\n")
    assert "Speaking" not in run("speak", TEXT).stderr


def test_help_loads_no_library_but_the_command_lines_own(environment: dict[str, str]) -> None:
    program = (
        "import sys; from entrypoints.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "print([n for n in ('numpy', 'pydantic', 'dependency_injector', 'av') if n in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.endswith("[]\n")


def test_serving_without_the_sdk_prints_the_install_command(environment: dict[str, str]) -> None:
    program = (
        "import sys; sys.modules['runpod'] = None  # what import does where it is not installed\n"
        "from entrypoints.cli.main import main\n"
        "sys.argv = ['indextts-runpod', 'serve', '--runpod']; main()"
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
    problem, advice = done.stderr.splitlines()[-2:]
    assert problem == "indextts-runpod: RunPod's SDK is not installed"
    assert advice.endswith(install_command("worker"))
