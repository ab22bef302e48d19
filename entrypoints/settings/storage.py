"""Settings of the store for finished audio."""

from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from entrypoints.settings.s3_values import plain_endpoint, usable_key

_LONGEST_URL_LIFE_SECONDS = 7 * 86_400
"""Seconds of a week: a URL with a signature of version 4 is valid for no longer."""


def _either(name: str) -> AliasChoices:
    """Return the names of a variable: S3's, and RunPod's own where that one is unset."""
    return AliasChoices(f"S3_{name}", f"BUCKET_{name}")


class StorageSettings(BaseSettings):
    """Settings of S3 and of the store; a missing variable that S3 needs is an error.

    The fields of S3 are checked against ``object_store``, which therefore comes first. An empty
    string is a variable that is not set.
    """

    object_store: Literal["s3", "filesystem", "inline"] = "filesystem"
    s3_bucket_name: str = Field(default="", validate_default=True)
    s3_endpoint_url: str = Field(
        default="", validate_default=True, validation_alias=_either("ENDPOINT_URL")
    )
    s3_access_key_id: SecretStr = Field(
        default=SecretStr(""), validate_default=True, validation_alias=_either("ACCESS_KEY_ID")
    )
    s3_secret_access_key: SecretStr = Field(
        default=SecretStr(""), validate_default=True, validation_alias=_either("SECRET_ACCESS_KEY")
    )
    s3_region: str = "us-east-1"
    s3_addressing_style: Literal["auto", "path", "virtual"] = "auto"
    s3_prefix: str = Field(default="", max_length=512)
    s3_url_expires_seconds: int = Field(default=86_400, ge=1, le=_LONGEST_URL_LIFE_SECONDS)
    allow_job_s3: bool = False

    @property
    def s3_access_key(self) -> str:
        """The key's id as plain text, for the S3 service alone."""
        return self.s3_access_key_id.get_secret_value()

    @property
    def s3_secret_key(self) -> str:
        """The secret key as plain text, for the S3 service alone."""
        return self.s3_secret_access_key.get_secret_value()

    @field_validator("s3_bucket_name")
    @classmethod
    def _bucket_where_needed(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.data.get("object_store") == "s3":
            raise ValueError(_missing("the bucket for finished audio"))
        return value

    @field_validator("s3_endpoint_url")
    @classmethod
    def _plain_endpoint(cls, value: str, info: ValidationInfo) -> str:
        if value:
            return plain_endpoint(value, bucket=info.data.get("s3_bucket_name", ""))
        if info.data.get("object_store") == "s3":
            raise ValueError(_missing("the URL of the S3 service", "ENDPOINT_URL"))
        return value

    @field_validator("s3_prefix")
    @classmethod
    def _no_leading_slash(cls, value: str) -> str:
        if value.startswith("/"):
            raise ValueError("must not begin with /: it would be a folder without a name")
        return value

    @field_validator("s3_access_key_id", "s3_secret_access_key")
    @classmethod
    def _usable_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        key = usable_key(value)
        if not key.get_secret_value() and info.data.get("object_store") == "s3":
            name = str(info.field_name).removeprefix("s3_").upper()
            raise ValueError(_missing("a key of the S3 service", name))
        return key


def _missing(what: str, runpods_name: str = "") -> str:
    other = f" (or BUCKET_{runpods_name})" if runpods_name else ""
    return f"must be set{other} to {what}, or set OBJECT_STORE=inline or filesystem"
