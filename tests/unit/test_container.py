import io
from pathlib import Path
from typing import Any

import pytest
from dependency_injector.providers import Provider

from application.prepared_model import PreparedModel
from application.speak import Speak
from domain.errors import StorageFailed
from entrypoints.container import Container
from entrypoints.exit_codes import SettingsError
from entrypoints.settings.settings import (
    CliSettings,
    LocalSettings,
    Settings,
    WorkerSettings,
    load_settings,
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliSettings:
    monkeypatch.setenv("AUDIO_VOICES_DIR", str(tmp_path / "voices"))
    monkeypatch.setenv("OUTPUT_AUDIO_DIR", str(tmp_path / "output"))
    return load_settings(CliSettings)


def test_every_provider_can_be_built(settings: CliSettings, tmp_path: Path) -> None:
    container = Container(settings=settings)
    service = {"endpoint_url": "https://s3.test", "access_key_id": "A", "secret_access_key": "B"}
    connection = container.job_s3_connection(**service)
    needs: dict[str, dict[str, Any]] = {
        "named_file_store": {"path": tmp_path / "x.wav"},
        "job_s3_connection": service,
        "job_s3_store": {"connection": connection, "bucket": "media"},
        "job_store": {"store": container.filesystem_store()},
        "job_speak": {"store": container.filesystem_store()},
    }

    for name, provider in container.providers.items():
        assert isinstance(provider, Provider)
        assert provider(**needs.get(name, {})) is not None


def test_the_use_case_is_made_once(settings: CliSettings) -> None:
    container = Container(settings=settings)

    assert isinstance(container.speak(), Speak)
    assert container.speak() is container.speak()


def test_building_everything_touches_no_folder(settings: CliSettings, tmp_path: Path) -> None:
    Container(settings=settings).speak()

    assert list(tmp_path.iterdir()) == []


def test_a_job_may_take_570_seconds_unless_the_operator_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_settings(CliSettings).job_timeout_seconds == 570
    monkeypatch.setenv("JOB_TIMEOUT_SECONDS", "1200")
    assert load_settings(CliSettings).job_timeout_seconds == 1200


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_TEXT_CHARS", "")

    assert load_settings(LocalSettings).max_text_chars == 10_000


def test_the_level_of_the_log_may_be_in_small_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "debug")

    assert load_settings(CliSettings).log_level == "DEBUG"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LOG_LEVEL", "LOUD"),
        ("MAX_TEXT_CHARS", "0"),
        ("TTS_ENGINE", "x"),
        ("JOB_TIMEOUT_SECONDS", "0"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError, match=f"^{variable}: must be .*, not '{value}'"):
        load_settings(CliSettings)


def test_settings_cannot_be_changed(settings: Settings) -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.max_text_chars = 5


@pytest.mark.parametrize("kept", ["AUDIO_VOICES_DIR", "CHECKPOINTS_DIR"])
def test_finished_files_lie_apart_from_what_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: str
) -> None:
    monkeypatch.setenv(kept, str(tmp_path))
    monkeypatch.setenv("OUTPUT_AUDIO_DIR", str(tmp_path / "x" / ".."))

    with pytest.raises(SettingsError, match=f"OUTPUT_AUDIO_DIR: must not be {kept}"):
        load_settings(CliSettings)


def test_baked_weights_are_found_by_the_model_and_by_what_tells_of_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BAKED_WEIGHTS_DIR", str(tmp_path))
    container = Container(settings=load_settings(CliSettings))

    assert container.engine_options().baked_dir == tmp_path
    assert container.checkpoint_files().baked == tmp_path


def test_a_worker_fetches_missing_weights_and_a_command_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OBJECT_STORE", "filesystem")
    monkeypatch.setenv("TTS_ENGINE", "indextts2")
    worker, command = (
        Container(settings=load_settings(kind)).model() for kind in (WorkerSettings, CliSettings)
    )

    assert isinstance(worker, PreparedModel)
    assert not isinstance(command, PreparedModel)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("use_cuda_graphs", "", True),
        ("use_cuda_graphs", "false", False),
        ("early_first_audio", "", False),
        ("early_first_audio", "true", True),
        ("use_fp16", "true", True),
    ],
)
def test_what_a_setting_says_reaches_the_model(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: bool
) -> None:
    monkeypatch.setenv(name.upper(), value)
    options = Container(settings=load_settings(CliSettings)).engine_options()
    assert getattr(options, name) is expected


def test_audio_too_large_for_an_answer_is_kept_in_the_output_folder(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("OBJECT_STORE", "inline")
    store = Container(settings=load_settings(CliSettings)).store()
    too_much = io.BytesIO(bytes((store.largest_bytes or 0) + 1))

    with pytest.raises(StorageFailed, match=r"kept as a\.wav in the worker's OUTPUT_AUDIO_DIR"):
        store.put("a.wav", too_much, owner="job-1", content_type="audio/wav")

    assert (settings.output_audio_dir / "a.wav").read_bytes() == too_much.getvalue()
