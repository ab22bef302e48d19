"""Way 1 of docs/guides/own-machine.md, followed as printed: from a clone to a served sentence.

Nothing is installed: the stamp tells ``make`` that the packages are
there. The port is one that is free. Everything else is what a reader types.
"""

import os
import re
import shutil
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks
from tests.e2e.audio import decoded_seconds
from tests.loopback.free_ports import free_ports

PAGE = ROOT / "docs" / "guides" / "own-machine.md"
CONTENT = PAGE.read_text()
FIRST_LINE = CONTENT.count("\n", 0, CONTENT.index("\n## Way 1")) + 2
LAST_LINE = CONTENT.count("\n", 0, CONTENT.index("\n## Way 2"))
STEPS = [
    block.text
    for block in blocks(PAGE)
    if block.language == "sh" and FIRST_LINE <= block.line <= LAST_LINE
]
PROGRAMS = {
    "make": 'exec {make} "$@" --old-file=.venv/run.stamp BIN={bin}',
    "indextts-runpod": 'exec {python} -m entrypoints.cli "$@"',
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder that looks like a clone to the programs of the guide."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "Makefile").write_text((ROOT / "Makefile").read_text())
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "activate").touch()
    (folder / "bin").mkdir()
    places = {
        "make": shutil.which("make"),
        "python": sys.executable,
        "bin": Path(sys.executable).parent,
    }
    for name, line in PROGRAMS.items():
        program = folder / "bin" / name
        program.write_text(f"#!/bin/sh\n{line.format(**places)}\n")
        program.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def environment(clone: Path) -> dict[str, str]:
    return {
        "PATH": f"{clone / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(clone),
    }


def follow(step: str, clone: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["/bin/sh", "-ec", step],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_way_has_the_steps_that_are_followed_here() -> None:
    beginnings = ["make run", ". .venv", "indextts-runpod doctor", "indextts-runpod serve", "curl"]

    assert len(STEPS) == len(beginnings)
    for step, beginning in zip(STEPS, beginnings, strict=True):
        assert step.startswith(beginning)


def test_the_first_step_prints_where_the_audio_is(clone: Path, environment: dict[str, str]) -> None:
    printed = follow(STEPS[0], clone, environment)

    assert Path(printed.splitlines()[-1]).stat().st_size > 1_000


def test_the_second_step_makes_a_file_of_its_own(clone: Path, environment: dict[str, str]) -> None:
    follow(STEPS[1], clone, environment)

    with wave.open(str(clone / "mine.wav")) as sound:
        assert sound.getnframes() > sound.getframerate()


def test_the_third_step_finds_no_problem(clone: Path, environment: dict[str, str]) -> None:
    assert "PROBLEM" not in follow(STEPS[2], clone, environment)


@pytest.fixture
def port(clone: Path, environment: dict[str, str]) -> Iterator[int]:
    """Follow the fourth step, until the server listens."""
    with free_ports(1) as [port]:
        step = re.sub(
            r"^indextts-runpod serve.*$", rf"exec \g<0> --port {port}", STEPS[3], flags=re.MULTILINE
        )
        server = subprocess.Popen(
            ["/bin/sh", "-ec", step], cwd=clone, env=environment, stderr=subprocess.PIPE, text=True
        )
        assert server.stderr is not None
        seen = []
        for line in server.stderr:
            seen.append(line)
            if f"listening at http://127.0.0.1:{port}" in line:
                break
        else:
            pytest.fail("".join(seen))
        yield port
        server.terminate()
        server.communicate()


def test_the_last_step_answers_with_a_file_that_can_be_heard(
    clone: Path, environment: dict[str, str], port: int
) -> None:
    follow(STEPS[4].replace(":8000", f":{port}"), clone, environment)

    assert decoded_seconds((clone / "morning.wav").read_bytes()) > 1
