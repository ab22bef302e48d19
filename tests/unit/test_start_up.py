import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from adapters.filesystem.bounded_log import BoundedLog
from adapters.preview import PreviewModel
from entrypoints.container import Container
from entrypoints.settings.settings import WorkerSettings
from entrypoints.worker.start_up_log import StartUpLog


def settings(root: Path, **others: str) -> WorkerSettings:
    folders = {f"{name}_dir": root / name for name in ("audio_voices", "checkpoints")}
    return WorkerSettings.model_validate(
        {"object_store": "filesystem", "output_audio_dir": root / "output"} | folders | others
    )


def test_missing_folders_are_made_and_told(tmp_path: Path) -> None:
    container = Container(settings=settings(tmp_path))
    made = container.start_up().make_folders()

    assert made.made == ("AUDIO_VOICES_DIR", "CHECKPOINTS_DIR", "OUTPUT_AUDIO_DIR")
    assert all((tmp_path / name).is_dir() for name in ("audio_voices", "checkpoints", "output"))
    assert "folders: made: AUDIO_VOICES_DIR" in (tmp_path / "bootstrap.log").read_text()


def test_a_folder_that_cannot_be_made_is_told_and_the_others_are_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    container = Container(settings=settings(tmp_path, checkpoints_dir="/proc/nowhere"))
    made = container.start_up().make_folders()

    [(setting, reason)] = made.failed
    assert setting == "CHECKPOINTS_DIR"
    assert reason.startswith("the folder cannot be made (no such file or directory); mount")
    assert made.made == ("AUDIO_VOICES_DIR", "OUTPUT_AUDIO_DIR")
    assert reason in capsys.readouterr().out


def test_the_log_lies_beside_folders_that_are_siblings_and_else_with_the_weights(
    tmp_path: Path,
) -> None:
    apart = settings(tmp_path, checkpoints_dir=str(tmp_path / "far" / "away"))

    assert settings(tmp_path).bootstrap_log == tmp_path / "bootstrap.log"
    assert apart.bootstrap_log == tmp_path / "far" / "away" / "bootstrap.log"


def test_the_preview_engine_needs_no_weights_that_could_be_fetched(tmp_path: Path) -> None:
    container = Container(settings=settings(tmp_path, tts_engine="preview"))

    assert isinstance(container.model(), PreviewModel)


def test_a_full_log_keeps_its_newest_lines_whole(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "log", limit_bytes=1_000)
    lines = [f"line {number}" for number in range(500)]
    for line in lines:
        log.append(line)

    kept = (tmp_path / "log").read_text().splitlines()
    assert 400 <= (tmp_path / "log").stat().st_size <= 1_000
    assert kept == lines[-len(kept) :]
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_line_has_its_time_in_utc_and_is_told_where_no_file_can_be_written(
    log_format: Literal["console", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    file = BoundedLog(Path("/proc/nowhere/bootstrap.log"))
    StartUpLog(file=file, log_format=log_format).tell("weights", "on the way")

    [line] = capsys.readouterr().out.splitlines()
    if log_format == "json":
        event = json.loads(line)
        moment = event.pop("timestamp")
        assert event == {
            "event": "start_up",
            "level": "info",
            "step": "weights",
            "message": "on the way",
        }
    else:
        moment, _, told = line.partition(" ")
        assert told == "weights: on the way"
    assert datetime.fromisoformat(moment).utcoffset() == timedelta(0)
