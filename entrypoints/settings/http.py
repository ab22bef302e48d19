"""Settings of the HTTP server."""

import re
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from domain.errors import printable

_KEY = re.compile(r"[!-+\--~]+")
"""Visible ASCII but the comma, which stands between two keys."""


class HttpSettings(BaseSettings):
    """Where the server listens, and what it asks of callers."""

    host: str = Field(default="127.0.0.1", pattern=r"^\S+$")
    port: int = Field(default=8000, ge=1, le=65535)
    port_health: int | None = Field(default=None, ge=1, le=65535)
    api_keys: SecretStr = SecretStr("")
    max_queued_requests: int = Field(default=32, ge=0)
    public_voice_list: bool = True
    cors_origins: str = ""

    @property
    def accepted_keys(self) -> tuple[str, ...]:
        """The keys that callers may send, as plain text; none where no key is asked for."""
        return tuple(_by_commas(self.api_keys.get_secret_value()))

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Origins of the pages that browsers may call from."""
        return tuple(_by_commas(self.cors_origins))

    @field_validator("api_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        if not all(_KEY.fullmatch(key) for key in _by_commas(value.get_secret_value())):
            raise ValueError("must be keys by commas, each of visible ASCII characters")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for origin in _by_commas(value):
            parts = urlsplit(origin)
            is_origin = parts.scheme in {"http", "https"} and parts.netloc and not parts.path
            if origin != "*" and not is_origin:
                raise ValueError(
                    "must be origins by commas, as https://example.com, not " + printable(origin)
                )
        return value


def _by_commas(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]
