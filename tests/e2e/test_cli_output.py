"""Sources of the texts of ``speak``, and destinations of its audio."""

import json
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from tests.e2e.audio import codec_and_seconds
from tests.e2e.conftest import Run
from tests.e2e.terminal import run_on_terminal
from tests.loopback.worker_process import ROOT

TEXT = "Hello there. How are you today? I hope that you are well."


def piped(environment: dict[str, str], *arguments: str) -> bytes:
    """Return the standard output of ``speak``, which is a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "entrypoints.cli", "speak", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    ).stdout


@pytest.mark.parametrize(
    ("ending", "codec"),
    [
        ("mp3", "mp3float"),
        ("m4a", "aac"),
        ("aac", "aac"),
        ("flac", "flac"),
        ("ogg", "opus"),
        ("wav", "pcm_s16le"),
    ],
)
def test_a_stream_is_written_in_the_format_of_its_ending(
    run: Run, tmp_path: Path, ending: str, codec: str
) -> None:
    out = tmp_path / "new" / f"x.{ending}"

    done = run("speak", TEXT, "--stream", "--out", str(out))

    assert done.stdout.strip() == str(out), done.stderr
    assert codec_and_seconds(out)[0] == codec
    assert 2 < codec_and_seconds(out)[1] < 8


def test_a_streamed_wav_file_has_its_length_in_its_header(run: Run, tmp_path: Path) -> None:
    run("speak", TEXT, "--stream", "--out", str(tmp_path / "x.wav"))

    with wave.open(str(tmp_path / "x.wav")) as sound:
        assert 2 < sound.getnframes() / sound.getframerate() < 8


def test_a_stream_that_fails_leaves_an_older_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_text("precious")

    done = run("speak", "Hi", "--voice", "nobody", "--stream", "--out", str(tmp_path / "x.wav"))

    assert done.returncode == 1
    assert (tmp_path / "x.wav").read_text() == "precious"


@pytest.mark.parametrize("mode", [[], ["--stream"]])
@pytest.mark.parametrize(("named", "codec"), [([], "pcm_s16le"), (["--format", "mp3"], "mp3float")])
def test_standard_output_takes_wav_or_the_format_that_was_named(
    environment: dict[str, str], mode: list[str], named: list[str], codec: str
) -> None:
    content = piped(environment, "Hello.", "--out", "-", *mode, *named)

    assert codec_and_seconds(content)[0] == codec
    assert 0.3 < codec_and_seconds(content)[1] < 3
    assert not (ROOT / "-").exists()


def test_the_audio_goes_to_the_current_folder_under_a_readable_name(
    run: Run, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()

    done = [run("speak", "Hello, you there!", cwd=here, OUTPUT_AUDIO_DIR=None) for _ in range(2)]

    assert [run.stdout.strip() for run in done] == [
        str(here / "speech-hello-you-there.ogg"),
        str(here / "speech-hello-you-there-2.ogg"),
    ], done[0].stderr
    assert all(0.5 < codec_and_seconds(file)[1] < 4 for file in here.iterdir())


def test_speech_that_fails_leaves_no_file(run: Run, tmp_path: Path) -> None:
    run("speak", "Hello.", "--voice", "nobody")

    assert list((tmp_path / "output").iterdir()) == []


def test_several_files_and_folders_become_a_file_each(run: Run, tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()
    for number in (1, 2, 10):
        (book / f"chapter {number}.md").write_text(f"This is chapter {number}.")
    (book / "cover.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "end.txt").write_text("The end.")

    done = run(
        *("speak", "-f", str(book), "-f", str(tmp_path / "end.txt")),
        *("--out-dir", str(tmp_path / "audio"), "--format", "mp3", "--verbose"),
    )

    assert done.stdout.splitlines() == [
        str(tmp_path / "audio" / f"{name}.mp3")
        for name in ("chapter 1", "chapter 2", "chapter 10", "end")
    ], done.stderr
    assert done.stderr.count("loading\n") == 1
    assert "Speaking 4/4 " in done.stderr
    assert all(codec_and_seconds(file)[0] == "mp3float" for file in (tmp_path / "audio").iterdir())


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ([], "2 texts: give --out-dir FOLDER"),
        (["--out", "x.mp3"], "2 texts: give --out-dir FOLDER"),
        (["--out-dir", "x", "--session-id", "one"], "--session-id names one file"),
    ],
)
def test_several_texts_without_a_file_each_are_refused(
    run: Run, tmp_path: Path, more: list[str], complaint: str
) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("Hello.")

    done = run("speak", "-f", str(tmp_path / "a.txt"), "-f", str(tmp_path / "b.txt"), *more)

    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


def test_two_texts_of_one_name_do_not_overwrite_each_other(run: Run, tmp_path: Path) -> None:
    for ending in ("txt", "md"):
        (tmp_path / f"a.{ending}").write_text("Hello.")

    done = run("speak", "-f", str(tmp_path), "--out-dir", str(tmp_path / "audio"))

    assert done.returncode == 2
    assert "two texts would be written to a.ogg" in done.stderr


def test_an_empty_text_among_several_is_found_before_any_is_spoken(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "1.txt").write_text("Hello.")
    (tmp_path / "2.txt").write_text("  ")

    done = run("speak", "-f", str(tmp_path), "--out-dir", str(tmp_path / "audio"))

    assert done.returncode == 2
    assert f"{tmp_path / '2.txt'} has no letter" in done.stderr
    assert not (tmp_path / "audio").exists()


def test_a_text_is_read_from_a_pipe_without_an_argument(run: Run) -> None:
    done = run("speak", "--json", stdin="Piped in.")

    assert json.loads(done.stdout)["metadata"]["chunks"][0]["text"] == "Piped in."


def test_the_command_line_accepts_a_text_beyond_the_workers_limit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "chapter.txt").write_text("Hello." + "\n" * 10_000 + "Goodbye.")

    done = run("speak", "-f", str(tmp_path / "chapter.txt"), "--out", str(tmp_path / "x.mp3"))

    assert done.returncode == 0, done.stderr
    assert codec_and_seconds(tmp_path / "x.mp3")[1] > 1


PLAYER = f"""#!{sys.executable}
import pathlib, sys, wave
sound = wave.open(sys.argv[-1])
seconds = sound.getnframes() / sound.getframerate()
pathlib.Path(__file__).with_name("played").write_text(str(seconds))
"""


@pytest.mark.parametrize("out", [None, "x.mp3"])
def test_speech_is_played(run: Run, tmp_path: Path, out: str | None) -> None:
    player = tmp_path / "bin" / "aplay"
    player.parent.mkdir()
    player.write_text(PLAYER)
    player.chmod(0o755)
    where = ["--out", str(tmp_path / out)] if out else []

    done = run("speak", TEXT, "--play", *where, PATH=str(player.parent))

    assert done.returncode == 0, done.stderr
    assert 2 < float((player.parent / "played").read_text()) < 8
    assert done.stdout.strip() == (str(tmp_path / out) if out else "")
    assert not (tmp_path / "output").exists()


def test_a_missing_player_is_an_error_before_anything_is_spoken(run: Run, tmp_path: Path) -> None:
    done = run("speak", "Hello.", "--play", PATH=str(tmp_path))

    assert done.returncode == 2
    assert "--play: no player was found; install one of ffplay" in done.stderr


@pytest.mark.parametrize("mode", [[], ["--stream"]])
def test_a_terminal_shows_loading_seconds_of_audio_and_speed(
    environment: dict[str, str], tmp_path: Path, mode: list[str]
) -> None:
    command = [sys.executable, "-m", "entrypoints.cli", "speak", TEXT, *mode]
    done = run_on_terminal([*command, "-o", tmp_path / "x.mp3"], environment)

    assert done.returncode == 0
    assert "Loading the engine preview" in done.shown
    assert "1/1 chunks" in done.shown
    assert "s of audio" in done.shown
    assert "x real time" in done.shown


@pytest.mark.parametrize(
    ("arguments", "warning"),
    [
        (["Das Wetter ist heute sehr schön."], "(German) as if it were English"),
        (["Il fait très beau aujourd'hui, n'est-ce pas ?"], "(French) as if it were English"),
        (["Hallo", "--language", "de"], "(language de) as if it were English"),
        (["Hi", "--use-random"], "use_random had no effect"),
        (["Hi", "--emo-alpha", "0.5"], "emo_alpha had no effect"),
        (["Hi", "--emo-vector", "1,0,0,0,0,0,0,0"], "the emotion had no effect"),
        (["Hi", "--temperature", "0.5"], "the sampling controls had no effect"),
        (["Hi", "--voice", "default"], "speaker_voice had no effect"),
    ],
)
def test_options_that_the_preview_engine_ignores_get_a_warning(
    run: Run, arguments: list[str], warning: str
) -> None:
    done = run("speak", "--json", *arguments)

    [found] = json.loads(done.stdout)["metadata"]["warnings"]
    assert warning in found


def test_english_with_foreign_words_gets_no_warning(run: Run) -> None:
    done = run("speak", "--json", "Mr. Müller ordered a café au lait in São Paulo.")

    assert json.loads(done.stdout)["metadata"]["warnings"] == []
