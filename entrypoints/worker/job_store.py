"""A store that a job brings: RunPod's ``s3Config`` beside the job's ``input``."""

import re
from collections.abc import Callable
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel

from application.speak import Speak
from domain.errors import InvalidRequest, printable
from entrypoints.container import Container
from entrypoints.parsing import REPORTED
from entrypoints.problems import describe
from entrypoints.settings.s3_values import plain_endpoint, usable_key

FIELD = "s3Config"

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,62}")
_REGION = re.compile(r"[./]s3[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d+)\.")
"""The region in an endpoint of AWS, Backblaze, Wasabi: ``s3.eu-west-1.amazonaws.com``."""


class JobS3(BaseModel):
    """An S3 service, a bucket there and a key, checked like the settings of the worker's store."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, hide_input_in_errors=True
    )

    bucket_name: str
    endpoint_url: str
    access_id: SecretStr
    access_secret: SecretStr

    @property
    def region(self) -> str | None:
        """The region that the endpoint's host names, for which requests must be signed."""
        found = _REGION.search(self.endpoint_url)
        return found[1] if found else None

    @field_validator("bucket_name")
    @classmethod
    def _is_a_bucket(cls, value: str) -> str:
        if not _BUCKET.fullmatch(value):
            raise ValueError("must be a bucket's name: 3 to 63 letters, digits, '.', '-' or '_'")
        return value

    @field_validator("endpoint_url")
    @classmethod
    def _plain_endpoint(cls, value: str, info: ValidationInfo) -> str:
        return plain_endpoint(value, bucket=info.data.get("bucket_name", ""))

    @field_validator("access_id", "access_secret")
    @classmethod
    def _usable_key(cls, value: SecretStr) -> SecretStr:
        key = usable_key(value)
        if not key.get_secret_value():  # S3's client would look for keys of the machine instead
            raise ValueError("must not be empty")
        return key


class JobStores:
    """Finds the store that a job names.

    Args:
        speak_into: Returns the use case that stores in the service of a job; None where jobs may
            not name a store of their own.
    """

    def __init__(self, speak_into: Callable[[JobS3], Speak] | None) -> None:
        self._speak_into = speak_into

    def speak_of(self, job: dict[str, Any], *, is_stored: bool) -> Speak | None:
        """Return the use case for a job with a store of its own; None for one without.

        Args:
            job: The job as RunPod hands it over.
            is_stored: Whether the job's audio is stored.

        Raises:
            InvalidRequest: the job's ``s3Config`` is wrong, has no use, or is not allowed.
        """
        config = job.get(FIELD)
        if not config or (isinstance(config, dict) and not any(config.values())):
            return None
        if self._speak_into is None:
            raise InvalidRequest(
                FIELD,
                "this worker takes no store from a job; leave s3Config out, or set"
                " ALLOW_JOB_S3=true for the worker",
            )
        if not is_stored:
            raise InvalidRequest(
                FIELD, "goes with a batch job, which alone stores its audio; leave it out"
            )
        return self._speak_into(_parsed(config))


def speak_into(container: Container, job_s3: JobS3) -> Speak:
    """Return the worker's use case with the store of a job in the place of the worker's own."""
    connection = container.job_s3_connection(
        endpoint_url=job_s3.endpoint_url,
        access_key_id=job_s3.access_id.get_secret_value(),
        secret_access_key=job_s3.access_secret.get_secret_value(),
        region=job_s3.region or container.settings().s3_region,
    )
    s3_store = container.job_s3_store(connection=connection, bucket=job_s3.bucket_name)
    return container.job_speak(store=container.job_store(store=s3_store))


def _parsed(config: object) -> JobS3:
    if not isinstance(config, dict):
        raise InvalidRequest(FIELD, f"must be an object with {_fields()}")
    try:
        return JobS3.model_validate(config)
    except ValidationError as error:
        problems = [_problem(dict(found)) for found in error.errors(include_url=False)]
    raise InvalidRequest.of(problems[:REPORTED], unlisted=max(0, len(problems) - REPORTED))


def _problem(error: dict[str, Any]) -> tuple[str, str]:
    """Return the field and what is wrong with it, without its value, which may be a secret."""
    name = str(error["loc"][0])
    if error["type"] == "missing":
        return f"{FIELD}.{name}", "is missing"
    if error["type"] == "extra_forbidden":
        return FIELD, f"has an unknown key {printable(name)}; its keys are {_fields()}"
    return f"{FIELD}.{name}", describe(error | {"input": None})


def _fields() -> str:
    *others, last = (to_camel(name) for name in JobS3.model_fields)
    return f"{', '.join(others)} and {last}"
