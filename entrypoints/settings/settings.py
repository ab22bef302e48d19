"""Settings from the environment, checked once at start."""

import sys
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from application.speech_request import MAX_TEXT_CHARS
from domain.errors import printable
from domain.voice import BUNDLED_VOICE
from entrypoints.exit_codes import SettingsError
from entrypoints.problems import describe
from entrypoints.settings.http import HttpSettings
from entrypoints.settings.voice_aliases import VoiceAliasSettings
from entrypoints.settings.voice_source import VoiceSourceSettings
from entrypoints.settings.voice_urls import VoiceUrlSettings
from entrypoints.settings.weights import WeightSettings

VOLUME = Path("/runpod-volume")
"""Where RunPod mounts a network volume; a laptop has none."""


class Settings(
    HttpSettings, VoiceAliasSettings, VoiceSourceSettings, VoiceUrlSettings, WeightSettings
):
    """All settings; a field's name in capitals is that of its environment variable."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    audio_voices_dir: Path = Field(default_factory=lambda: _folder("audio_voices"))
    checkpoints_dir: Path = Field(default_factory=lambda: _folder("checkpoints"))
    output_audio_dir: Path = Field(
        default_factory=lambda: _folder("output_audio"), validate_default=True
    )
    cleanup_days: int = Field(default=2, ge=1)
    hf_token: SecretStr = SecretStr("")
    hf_endpoint: str = Field(default="", pattern=r"^(https?://[^\s/]+\S*)?$")
    default_voice: str = BUNDLED_VOICE
    tts_engine: str = "auto"
    device: str | None = Field(default=None, pattern=r"^(cpu|cuda(:\d+)?)$")
    use_fp16: bool = False
    use_deepspeed: bool = False
    use_cuda_kernel: bool = False
    use_cuda_graphs: bool = True
    early_first_audio: bool = False
    max_tokens_per_segment: int = Field(default=800, ge=1)
    max_text_chars: int = Field(default=MAX_TEXT_CHARS, ge=1)
    job_timeout_seconds: float = Field(default=570, gt=0, allow_inf_nan=False)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    @property
    def references_dir(self) -> Path:
        """Folder of the references that the model computed of recordings."""
        return self.checkpoints_dir / "references"

    @property
    def bootstrap_log(self) -> Path:
        """The file that keeps the lines of each start; beside the three folders, if they are."""
        folders = (self.checkpoints_dir, self.audio_voices_dir, self.output_audio_dir)
        parents = {folder.parent for folder in folders}
        return (parents.pop() if len(parents) == 1 else self.checkpoints_dir) / "bootstrap.log"

    @property
    def folders(self) -> dict[str, Path]:
        """The folders that a worker uses, by the variable of each."""
        names = ("audio_voices_dir", "checkpoints_dir", "output_audio_dir")
        return {name.upper(): getattr(self, name) for name in names}

    @property
    def hub_token(self) -> str:
        """The hub's token as plain text, for the hub alone; empty where there is none."""
        return self.hf_token.get_secret_value()

    @field_validator("tts_engine")
    @classmethod
    def _is_an_engine(cls, value: str) -> str:
        # Imported here because the container imports this module.
        from entrypoints.container import engine_names

        names = engine_names()
        if value not in names:
            *others, last = names
            raise ValueError(f"must be {', '.join(others)} or {last}, not {printable(value)}")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("output_audio_dir")
    @classmethod
    def _away_from_what_is_kept(cls, value: Path, info: ValidationInfo) -> Path:
        for name in ("audio_voices_dir", "checkpoints_dir"):
            kept = info.data.get(name)
            if kept and kept.resolve() == value.resolve():
                raise ValueError(f"must not be {name.upper()}: old files in it are removed")
        return value

    @field_validator("hf_token")
    @classmethod
    def _one_word(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value().strip()  # a pasted token may end with a line break
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise ValueError("must be a token: one word of ASCII characters")
        return SecretStr(token)


class LocalSettings(Settings):
    """Defaults for a development server."""

    log_format: Literal["json", "console"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"


class CliSettings(LocalSettings):
    """Defaults for the command line, where a text may be as long as a book."""

    max_text_chars: int = Field(default=sys.maxsize, ge=1)


class ServerSettings(LocalSettings):
    """Defaults for the HTTP server, whose log has a line for each request."""

    missing_weights: ClassVar[Literal["fetched", "reported"]] = "fetched"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class WorkerSettings(Settings):
    """Defaults for a worker on RunPod."""

    missing_weights: ClassVar[Literal["fetched", "reported"]] = "fetched"
    object_store: Literal["s3", "filesystem", "inline"] = "s3"
    tts_engine: str = "indextts2"


SettingsT = TypeVar("SettingsT", bound=Settings)


def load_settings(kind: type[SettingsT]) -> SettingsT:
    """Read the settings from the environment.

    Raises:
        SettingsError: with one line for each variable that is wrong.
    """
    try:
        return kind()
    except ValidationError as error:
        raise SettingsError(
            "\n".join(
                f"{str(problem['loc'][0]).upper()}: {describe(problem)}"
                for problem in error.errors(include_url=False)
            )
        ) from None


def _folder(name: str) -> Path:
    if VOLUME.is_dir():
        return VOLUME / "indextts" / name
    return user_data_path("indextts-runpod") / name
