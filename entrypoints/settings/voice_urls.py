"""Settings of the hosts that recordings may be fetched from."""

from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from domain.errors import printable
from domain.host_name import ANY_HOST, host_name


class VoiceUrlSettings(BaseSettings):
    """Hosts of recordings; none by default, so that no URL is fetched."""

    voice_url_hosts: Annotated[tuple[str, ...], NoDecode] = Field(default=())

    @field_validator("voice_url_hosts", mode="before")
    @classmethod
    def _names_between_commas(cls, value: Any) -> Any:
        """Return the names in the form in which those of URLs are compared with them."""
        if not isinstance(value, str):
            return value
        entries = [entry.strip() for entry in value.split(",") if entry.strip()]
        names = [ANY_HOST if entry == ANY_HOST else host_name(entry) for entry in entries]
        for entry, name in zip(entries, names, strict=True):
            if name is None:
                raise ValueError(
                    "must be names of hosts between commas, as media.example.com, or *; not"
                    f" {printable(entry)}"
                )
        return tuple(names)
