"""Settings of further names for voices."""

from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from domain.errors import printable
from domain.voice import BUNDLED_VOICE, is_voice_file, is_voice_name

_EXAMPLE = "must be pairs of a new name and a voice by commas, as alloy=alice,nova=narrators/bob"


class VoiceAliasSettings(BaseSettings):
    """Names that requests may use beside those of the recordings; none by default."""

    voice_aliases: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict)

    @field_validator("voice_aliases", mode="before")
    @classmethod
    def _pairs_between_commas(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [_pair(entry.strip()) for entry in value.split(",") if entry.strip()]
        targets: dict[str, str] = {}
        for alias, voice in pairs:
            if alias in targets:
                raise ValueError(f"names {printable(alias)} twice")
            targets[alias] = voice
        for alias, voice in pairs:
            if voice in targets:
                raise ValueError(
                    f"{printable(alias)} must stand for a recording, not for the alias"
                    f" {printable(voice)}"
                )
        return targets


def _pair(entry: str) -> tuple[str, str]:
    alias, equals, voice = (part.strip() for part in entry.partition("="))
    if not equals or not is_voice_name(voice):
        raise ValueError(f"{_EXAMPLE}; not {printable(entry)}")
    if not is_voice_name(alias) or is_voice_file(alias):
        raise ValueError(
            f"{printable(alias)} cannot be an alias: it may have no ending of a recording, and must"
            " be a name that a voice could have"
        )
    if alias == BUNDLED_VOICE:
        raise ValueError(
            f"{alias} is the bundled voice's name; set DEFAULT_VOICE to change what requests"
            " without a voice get"
        )
    return alias, voice
