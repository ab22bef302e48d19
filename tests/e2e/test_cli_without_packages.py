"""Messages of the command line where optional packages, weights or a GPU are missing."""

import json
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from entrypoints.installation import install_command
from tests.e2e.conftest import Run, home_settings
from tests.loopback.worker_process import ROOT

Without = Callable[..., Run]


@pytest.fixture
def without(tmp_path: Path) -> Without:
    """Return a function that hides packages, by the names of their files, from the command line."""

    def without(*names: str) -> Run:
        packages = tmp_path / "packages"
        packages.mkdir()
        for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
            if not entry.name.startswith(names):
                (packages / entry.name).symlink_to(entry)

        def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                # -S: only the packages of PYTHONPATH
                [sys.executable, "-S", "-m", "entrypoints.cli", *arguments],
                cwd=ROOT,
                env={
                    "PYTHONPATH": str(packages),
                    **home_settings(tmp_path),
                    "HF_HOME": str(tmp_path),
                    "DEVICE": "cpu",
                    **settings,
                },
                capture_output=True,
                text=True,
                check=False,
            )

        return run

    return without


def marks(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the mark of each subject in the report of ``doctor --json``."""
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["status"] == "ok" else 1)
    return {finding["subject"]: finding["mark"] for finding in report["findings"]}


def test_without_any_engine_the_error_explains_both(without: Without) -> None:
    run = without("hibari")

    for arguments in (["speak", "Hello."], ["selfcheck"]):
        done = run(*arguments)
        assert done.returncode == 1
        last, install = done.stderr.splitlines()[-2:]
        assert last.startswith("indextts-runpod: model_unavailable: the preview engine is not inst")
        assert "indextts2 was not chosen: weights are missing: config.yaml, " in last
        assert "set TTS_ENGINE=indextts2" in last
        assert install == (
            "indextts-runpod: to install the extra preview: " + install_command("preview")
        )


def test_the_doctor_marks_no_missing_package_as_ok(without: Without) -> None:
    run = without("hibari", "runpod", "boto3")

    done = run("doctor", "--json")

    report, found = json.loads(done.stdout)["findings"], marks(done)
    assert not [each for each in report if each["mark"] == "ok" and "not inst" in each["found"]]
    assert found["hibari-tts"] == found["engine preview"] == found["engine indextts2"] == "problem"
    assert found["runpod"] == found["boto3"] == "note"
    assert found["torch"] == "ok"
    for extra in ("preview", "worker"):
        assert any(install_command(extra) in line for each in report for line in each["advice"])


def test_the_doctor_requires_the_packages_that_the_settings_need(without: Without) -> None:
    run = without("hibari", "torch", "boto3")

    cloning = marks(run("doctor", "--json", TTS_ENGINE="indextts2"))
    bucket = marks(
        run(
            *("doctor", "--json"),
            VOICES_S3_URI="s3://voices",
            S3_ENDPOINT_URL="http://127.0.0.1:9",
            S3_ACCESS_KEY_ID="a",
            S3_SECRET_ACCESS_KEY="b",
        )
    )

    assert (cloning["hibari-tts"], cloning["torch"], cloning["boto3"]) == (
        "note",
        "problem",
        "note",
    )
    assert cloning["engine indextts2"] == cloning["weights IndexTeam/IndexTTS-2"] == "problem"
    assert bucket["boto3"] == "problem"


def test_the_doctor_requires_the_sdk_of_a_worker(without: Without) -> None:
    run = without("runpod", "torch")

    found = marks(
        run("doctor", "--json", "--worker", OBJECT_STORE="filesystem", TTS_ENGINE="preview")
    )

    assert found["runpod"] == "problem"


def test_the_preview_engine_alone_is_no_problem_and_the_choice_is_explained(
    without: Without,
) -> None:
    run = without("runpod")

    found = marks(run("doctor", "--json"))
    checked = run("selfcheck", "--json")

    assert found["engine preview"] == "ok"
    assert found["engine indextts2"] == found["runpod"] == "note"
    assert checked.stderr.startswith("note: engine preview is used; indextts2 was not chosen: ")


def test_without_the_preview_engine_auto_speaks_on_the_cpu_where_the_weights_are_there(
    without: Without, checkpoint: Path
) -> None:
    run = without("hibari")

    done = run(
        "speak", "Hello world.", "--json", "--max-mel-tokens", "20", CHECKPOINTS_DIR=str(checkpoint)
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metadata"]["engine"] == "indextts2"


def test_a_default_voice_that_is_not_there_is_a_problem(without: Without) -> None:
    found = marks(without()("doctor", "--json", DEFAULT_VOICE="nobody"))

    assert found["default voice"] == "problem"
