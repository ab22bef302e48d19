"""The commands that are printed as hints work where they are printed."""

import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

import pytest

from entrypoints import installation
from entrypoints.installation import MODEL_PACKAGE, install_advice, install_command

ROOT = Path(__file__).parents[2]
METADATA = """\
Metadata-Version: 2.4
Name: indextts-runpod
Version: 1
Requires-Dist: av>=18
Provides-Extra: preview
Requires-Dist: hibari-tts[fast]==0.2.1; extra == "preview"
Provides-Extra: worker
Requires-Dist: boto3>=1.35; extra == "worker"
Requires-Dist: runpod==1.12.0; extra == "worker"
Requires-Dist: elsewhere; sys_platform == "nowhere" and extra == "worker"
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder with this product's metadata, as pip would have written it.

    The metadata that a build leaves in a clone is found before it.
    """
    folder = tmp_path / "indextts_runpod-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA)

    left_by_a_build = tmp_path / "indextts_runpod.egg-info"
    left_by_a_build.mkdir()
    (left_by_a_build / "PKG-INFO").write_text(METADATA)

    def found(_: str) -> Distribution:
        return PathDistribution(folder)

    def all_found(**_: str) -> list[Distribution]:
        return [PathDistribution(left_by_a_build), PathDistribution(folder)]

    monkeypatch.setattr(installation, "distribution", found)
    monkeypatch.setattr(installation, "distributions", all_found)
    return folder


def came_from(installed: Path, clone: Path, *, is_editable: bool) -> None:
    folder = f'{{"editable": {str(is_editable).lower()}}}'
    (installed / "direct_url.json").write_text(
        f'{{"dir_info": {folder}, "url": "{clone.as_uri()}"}}'
    )


def test_an_editable_installation_is_extended_from_its_clone(
    installed: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "my clone"
    clone.mkdir()
    (clone / "pyproject.toml").touch()
    came_from(installed, clone, is_editable=True)

    assert shlex.split(install_command("preview")) == [
        *(sys.executable, "-m", "pip", "install"),
        *("--editable", f"{clone}[preview]"),
    ]


@pytest.mark.parametrize("is_editable", [True, False, None])
def test_any_other_gets_the_requirements_themselves(
    installed: Path, tmp_path: Path, is_editable: bool | None
) -> None:
    if is_editable is not None:  # and the clone has gone
        came_from(installed, tmp_path / "gone", is_editable=is_editable)

    assert shlex.split(install_command("worker")) == [
        *(sys.executable, "-m", "pip", "install"),
        *("boto3>=1.35", "runpod==1.12.0"),
    ]
    assert "'hibari-tts[fast]==0.2.1'" in install_command("preview")


def test_an_environment_without_pip_is_extended_by_uv(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = tmp_path / "uv"
    uv.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pip", None)

    assert shlex.split(install_command("preview"))[:5] == [
        *(str(uv), "pip", "install", "--python", sys.executable)
    ]


def test_each_extra_is_one_line_of_advice(installed: Path) -> None:
    lines = install_advice(["preview", "worker", "preview"])

    assert [line.split(": ")[0] for line in lines] == [
        "to install the extra preview",
        "to install the extra worker",
    ]


def dry_run(command: str) -> str:
    """Return what ``command`` would do in this environment, without a package index."""
    done = subprocess.run(
        [*shlex.split(command), "--dry-run", "--no-build-isolation"],
        cwd="/",
        env={"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_of_this_clone_works_and_keeps_it_editable() -> None:
    first, *others = install_command("indextts").split(" && ")

    output = dry_run(first)

    assert f"Obtaining file://{ROOT}" in output
    assert re.search(r"^Would install indextts-runpod-\S+$", output, re.MULTILINE), output
    for command in others:
        assert "already satisfied" in dry_run(command)


def test_the_requirements_of_an_image_work(installed: Path) -> None:
    assert "already satisfied: hibari-tts" in dry_run(install_command("preview"))


def test_every_place_names_the_same_model_package() -> None:
    for name in ("README.md", "Makefile", "Dockerfile"):
        named = set(re.findall(r"indextts2-inference==[\w.]+", (ROOT / name).read_text()))
        assert named == {MODEL_PACKAGE}, name


def test_no_page_installs_over_an_editable_installation() -> None:
    pages = [ROOT / "README.md", ROOT / "Makefile", *(ROOT / "docs").rglob("*.md")]

    for page in pages:
        for command in re.findall(r"pip install[^\n`]*'\.?[\w-]*\[[^\n`]*", page.read_text()):
            assert re.search(r"(-e|--editable) '\.\[", command), f"{page.name}: {command}"
