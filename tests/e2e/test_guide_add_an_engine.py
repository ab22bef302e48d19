"""The guide docs/guides/add-an-engine.md, followed as printed in a copy of the repository."""

import re
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from tests.loopback.worker_process import ROOT

GUIDE = (ROOT / "docs" / "guides" / "add-an-engine.md").read_text()
FILES = re.findall(r"`([\w./]+\.py)`:\n\n```python\n(.*?)```", GUIDE, re.DOTALL)
EMPTY_FILES = re.findall(r"an empty `([\w./]+)`", GUIDE)
CHANGES = re.findall(r"^In `([\w./-]+)`,.*?```diff\n(.*?)```", GUIDE, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    for line in block.splitlines()
]
COPIED = ("domain", "application", "adapters", "entrypoints", "tests", "docs", "pyproject.toml")


def apply(change: str, text: str) -> str:
    """Return ``text`` with the change of a diff without line numbers, whose place must be one."""
    lines = change.splitlines()
    before = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
    after = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    assert text.count(before) == 1, f"stands {text.count(before)} times:\n{before}"
    return text.replace(before, after)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the repository and follow the guide there."""
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    for name in EMPTY_FILES:
        (folder / name).parent.mkdir(parents=True)
        (folder / name).touch()
    for name, content in FILES:
        (folder / name).write_text(content)
    for name, change in CHANGES:
        path = folder / name
        path.write_text(apply(change, path.read_text()))
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    program = bin_folder / "indextts-runpod"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m entrypoints.cli "$@"\n')
    program.chmod(0o755)
    return folder


def run(copy: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=copy,
        env={
            "PATH": f"{copy / 'bin'}:/usr/bin:/bin",
            "PYTHONPATH": str(copy),
            "HOME": str(copy),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def pytest_in(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(copy, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments)


def test_the_guide_writes_a_package_and_changes_the_container_and_the_reference() -> None:
    assert [name for name, _ in FILES] == ["adapters/hum/model.py", "tests/integration/test_hum.py"]
    assert EMPTY_FILES == ["adapters/hum/__init__.py"]
    assert len(CHANGES) == GUIDE.count("```diff") == 5


def test_the_new_engine_passes_the_contract_suite(copy: Path) -> None:
    [command] = [line for line in COMMANDS if "pytest" in line]
    done = pytest_in(copy, *command.split()[1:])

    assert done.returncode == 0, done.stdout
    assert re.search(r"\b1[5-9] passed", done.stdout)


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("TTS_ENGINE")])
def test_the_new_engine_works_from_the_command_line(copy: Path, command: str) -> None:
    done = run(copy, "/bin/sh", "-c", command)

    assert done.returncode == 0, done.stderr
    if "speak" in command:
        assert "engine hum" in done.stderr
        with wave.open(str(copy / "hum.wav")) as sound:
            assert sound.getframerate() == 24_000
            assert sound.getnframes() > 12_000
    else:
        assert "ok       engine hum: not_loaded on cpu" in done.stdout


def test_the_reference_is_up_to_date_once_the_guide_was_followed(copy: Path) -> None:
    done = pytest_in(copy, "tests/unit/test_reference_docs.py")

    assert done.returncode == 0, done.stdout


def test_a_reference_without_the_new_engine_is_out_of_date(copy: Path, tmp_path: Path) -> None:
    shutil.copytree(copy, tmp_path / "copy")
    shutil.copytree(ROOT / "docs", tmp_path / "copy" / "docs", dirs_exist_ok=True)
    done = pytest_in(tmp_path / "copy", "tests/unit/test_reference_docs.py")

    assert done.returncode == 1, done.stdout
    assert "test_every_engine_is_in_the_table_in_the_containers_order" in done.stdout
    assert "test_the_values_of_tts_engine_are_on_the_page" in done.stdout


def test_the_new_files_keep_the_rules_of_style_and_imports(copy: Path) -> None:
    shutil.copy2(ROOT / ".importlinter", copy)
    files = [name for name, _ in FILES]
    for command in (
        [sys.executable, "-m", "ruff", "check", *files],
        [sys.executable, "-m", "ruff", "format", "--check", *files],
        [str(Path(sys.executable).with_name("lint-imports"))],
    ):
        done = run(copy, *command)
        assert done.returncode == 0, done.stdout + done.stderr
