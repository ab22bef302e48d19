"""Help and errors for a person who does not know the command line yet."""

import socket
from pathlib import Path

import pytest

from entrypoints.cli.commands import COMMANDS
from entrypoints.schemas import SpeechInput
from tests.e2e.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["speak"], "give a TEXT"),
        (["speak", ""], "TEXT has no letter"),
        (["speak", "?!"], "TEXT has no letter"),
        (["speak", "Hi", "--crossfade-ms", "-5"], "--crossfade-ms must be at least 0, not -5"),
        (["speak", "Hi", "--crossfade-ms", "x"], "'--crossfade-ms': 'x' is not a valid integer"),
        (
            ["speak", "Hi", "--emo-vector", "2,0,0,0,0,0,0,0"],
            "--emo-vector: number 1 must be at most 1",
        ),
        (["speak", "Hi", "--emo-vector", "1,2"], "'--emo-vector': '1,2' is not a list of 8 numb"),
        (["speak", "Hi", "--emo-vector", "happy"], "happy, angry, sad, afraid"),
        (["speak", "Hi", "--emo-text", "joy"], "--emo-text has no effect"),
        (["speak", "Hi", "--session-id", "a/b"], "--session-id must be 1 to 128 letters, digits"),
        (["speak", "Hi", "--language", "german"], "--language must be a language's code"),
        (["speak", "Guten", "Tag"], "put a text of several words in quotes"),
        (["speak", "Hi", "--vioce", "x"], "'--voice'"),
        (["speak", "Hi", "--format", "opsu"], "Did you mean 'opus'?"),
        (["speak", "Hi", "--out", "a.txt"], "no format has the ending .txt"),
        (["speak", "Hi", "--out", "a.pcm"], "the ending .pcm with --stream only"),
        (["speak", "Hi", "--out", "a.mp3", "--format", "wav"], "does not end like"),
        (["speak", "Hi", "--out", "-", "--json"], "leave one out"),
        (["speak", "Hi", "--stream", "--json", "--out", "a.wav"], "leave out --out"),
        (["speak", "Hi", "--file", "a.txt"], "TEXT or --file, not both"),
        (["speak", "--file", "/nowhere/x"], "/nowhere/x cannot be read"),
        (["voices", "add", "/nowhere.wav"], "cannot be read"),
        (["voices", "lst"], "Did you mean 'list'?"),
        (["spaek", "Hi"], "Did you mean 'speak'?"),
        (["Hello there."], "To speak a text: indextts-runpod speak 'Hello there.'"),
        (["fly"], "No such command 'fly'"),
    ],
)
def test_wrong_usage_prints_the_problem_the_usage_and_the_help_option(
    run: Run, arguments: list[str], complaint: str
) -> None:
    done = run(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    first, *_, last = done.stderr.splitlines()
    assert first.startswith("indextts-runpod: ")
    assert "\nUsage: indextts-runpod" in done.stderr
    assert last.endswith(" --help")


@pytest.mark.parametrize("text", ["-5 degrees", "- a thing on a list", "--really? she asked"])
def test_a_text_may_begin_with_a_dash(run: Run, tmp_path: Path, text: str) -> None:
    out = tmp_path / "x.wav"

    done = run("speak", text, "-o", str(out), "--emo-text", "-sad one", "--use-emo-text")

    assert done.returncode == 0, done.stderr
    assert out.stat().st_size > 10_000


def test_a_text_over_the_limit_is_refused_with_the_variable_of_the_limit(run: Run) -> None:
    done = run("speak", "A long text.", MAX_TEXT_CHARS="5")

    assert done.returncode == 2
    assert "TEXT has 12 characters; at most 5 are accepted" in done.stderr
    assert "MAX_TEXT_CHARS" in done.stderr


def test_the_help_has_every_option_in_a_group(run: Run) -> None:
    done = run("speak", "--help")

    for group in ("Voice:", "Emotion:", "Text and chunks:", "Output:", "Sampling:"):
        assert f"\n{group}\n" in done.stdout
    assert "\nOptions:\n" not in done.stdout
    for short in ("-o, --out", "-f, --file", "-v, --voice"):
        assert short in done.stdout
    hidden = {"text", "action", "output_format", "speaker_voice", "audio_format"}
    for field in set(SpeechInput.model_fields) - hidden:
        assert f"--{field.replace('_', '-')}" in done.stdout


def test_the_help_lists_every_command_and_explains_completion(run: Run) -> None:
    shown = run("--help").stdout

    for name in ("speak", "voices", "doctor", "download", "warmup", "serve", "selfcheck"):
        assert f"\n  {name} " in shown
    assert "_INDEXTTS_RUNPOD_COMPLETE=bash_source" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_begins_with_its_line_in_the_list(run: Run, name: str) -> None:
    _usage, summary, *_rest = run(name, "--help").stdout.split("\n\n")

    assert summary.strip() == COMMANDS[name].summary


def test_the_shell_can_complete(run: Run, environment: dict[str, str]) -> None:
    asked = {"COMP_WORDS": "indextts-runpod spe", "COMP_CWORD": "1"}

    done = run(_INDEXTTS_RUNPOD_COMPLETE="bash_complete", **asked)

    assert "speak" in done.stdout


def test_serving_at_a_port_that_is_taken_fails_before_loading(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", "--host", "127.0.0.1", "--port", port)

    assert done.returncode == 2
    assert f"another program listens at 127.0.0.1:{port}" in done.stderr
    assert "listening at http" not in done.stderr
