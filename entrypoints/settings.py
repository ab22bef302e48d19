"""Settings from the environment, checked once at start."""

from pathlib import Path
from typing import Any, Literal, TypeVar

from platformdirs import user_data_path
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from entrypoints.problems import describe
from entrypoints.storage_settings import StorageSettings
from entrypoints.wrong_settings import WrongSettingsError

VOLUME = Path("/runpod-volume")
"""Where RunPod mounts a network volume; a laptop has none."""


class Settings(StorageSettings):
    """What an operator can set; the field in capitals is the variable's name."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    audio_voices_dir: Path = Field(default_factory=lambda: _folder("audio_voices"))
    output_audio_dir: Path = Field(
        default_factory=lambda: _folder("output_audio"), validate_default=True
    )
    cleanup_days: int = Field(default=2, ge=1)
    default_voice: str = "default"
    tts_engine: Literal["preview", "auto"] = "auto"
    max_text_chars: int = Field(default=10_000, ge=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("output_audio_dir")
    @classmethod
    def _away_from_voices(cls, value: Path, info: ValidationInfo) -> Path:
        voices = info.data.get("audio_voices_dir")
        if voices and voices.resolve() == value.resolve():
            raise ValueError("must not be AUDIO_VOICES_DIR: old files in it are removed")
        return value


class CliSettings(Settings):
    """Defaults for a person at a terminal."""

    log_format: Literal["json", "console"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"


class WorkerSettings(Settings):
    """Defaults for a worker on RunPod."""

    object_store: Literal["s3", "filesystem"] = "s3"


SettingsT = TypeVar("SettingsT", bound=Settings)


def load_settings(kind: type[SettingsT]) -> SettingsT:
    """Read the environment.

    Raises:
        WrongSettingsError: with one line for each variable that is wrong.
    """
    try:
        return kind()
    except ValidationError as error:
        raise WrongSettingsError(
            "\n".join(
                f"{str(problem['loc'][0]).upper()}: {describe(problem)}"
                for problem in error.errors(include_url=False)
            )
        ) from None


def _folder(name: str) -> Path:
    if VOLUME.is_dir():
        return VOLUME / "indextts" / name
    return user_data_path("indextts-runpod") / name
