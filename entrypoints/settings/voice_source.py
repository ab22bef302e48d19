"""Settings of the bucket that voices are fetched from."""

import re

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from entrypoints.settings.s3_values import plain_endpoint, usable_key
from entrypoints.settings.storage import StorageSettings

_VOICES_URI = re.compile(r"s3://[^/\s]+(/\S*)?")


class VoiceSourceSettings(StorageSettings):
    """Settings of synced voices; the store's take the place of those that are not set.

    They stand after the store's and after ``voices_s3_uri``, against which they are checked.
    """

    voices_s3_uri: str = ""
    voices_s3_endpoint_url: str = Field(default="", validate_default=True)
    voices_s3_access_key_id: SecretStr = Field(default=SecretStr(""), validate_default=True)
    voices_s3_secret_access_key: SecretStr = Field(default=SecretStr(""), validate_default=True)
    voices_s3_region: str = ""
    voices_refresh_seconds: float = Field(default=300, ge=0, allow_inf_nan=False)

    @property
    def voices_origin(self) -> str:
        """``s3`` where voices are fetched from a bucket, else ``folder``."""
        return "s3" if self.voices_s3_uri else "folder"

    @property
    def voices_endpoint_url(self) -> str:
        """URL of the service that has the voices."""
        return self.voices_s3_endpoint_url or self.s3_endpoint_url

    @property
    def voices_access_key(self) -> str:
        """The id of the voices' key as plain text, for the S3 service alone."""
        return self.voices_s3_access_key_id.get_secret_value() or self.s3_access_key

    @property
    def voices_secret_key(self) -> str:
        """The voices' secret key as plain text, for the S3 service alone."""
        return self.voices_s3_secret_access_key.get_secret_value() or self.s3_secret_key

    @property
    def voices_region(self) -> str:
        """Region that requests for voices are signed for."""
        return self.voices_s3_region or self.s3_region

    @field_validator("voices_s3_uri")
    @classmethod
    def _is_s3_uri(cls, value: str) -> str:
        if value and not _VOICES_URI.fullmatch(value):
            raise ValueError("must look like s3://BUCKET or s3://BUCKET/PREFIX")
        return value

    @field_validator("voices_s3_endpoint_url")
    @classmethod
    def _plain_voices_endpoint(cls, value: str, info: ValidationInfo) -> str:
        if not value:
            _require_the_stores(info, "the URL of the S3 service that has the voices")
            return value
        bucket = str(info.data.get("voices_s3_uri", "")).removeprefix("s3://").partition("/")[0]
        return plain_endpoint(value, bucket=bucket)

    @field_validator("voices_s3_access_key_id", "voices_s3_secret_access_key")
    @classmethod
    def _usable_voices_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        key = usable_key(value)
        if not key.get_secret_value():
            _require_the_stores(info, "a key of the S3 service that has the voices")
        return key


def _require_the_stores(info: ValidationInfo, what: str) -> None:
    """Raise a ValueError if voices need a value that the store has not either.

    A store's value that is wrong is not in ``info``: that one is told already.
    """
    name = str(info.field_name).removeprefix("voices_")
    stores = info.data.get(name)
    given = stores.get_secret_value() if isinstance(stores, SecretStr) else stores
    if info.data.get("voices_s3_uri") and given == "":
        runpods = name.replace("s3_", "bucket_", 1).upper()
        raise ValueError(f"must be set (or {name.upper()}, or {runpods}) to {what}")
