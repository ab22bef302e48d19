"""Errors of S3, its client and the network, mapped to domain errors."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from adapters.s3.setting_names import SettingNames
from domain.errors import StorageFailed, printable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError


@contextmanager
def map_s3_errors(settings: SettingNames) -> Generator[None, None, None]:
    """Map every error of boto3, botocore, urllib3 and the system in the block.

    Messages contain the service's error code, never its text, which may repeat keys or signed
    URLs. They tell which of ``settings`` to check.

    Raises:
        StorageFailed: instead of the foreign error.
    """
    try:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectTimeoutError,
            HTTPClientError,
            ReadTimeoutError,
        )
        from botocore.exceptions import (
            ConnectionError as BotoConnectionError,
        )
        from urllib3.exceptions import HTTPError
    except ImportError as error:
        raise StorageFailed(
            "the S3 store needs the package boto3; install the extra worker", extras=("worker",)
        ) from error
    try:
        yield
    except ClientError as error:
        raise StorageFailed(_refusal(error, settings)) from error
    except (ConnectTimeoutError, ReadTimeoutError) as error:
        raise StorageFailed(
            f"the object store did not answer in time; try again, or check {settings.endpoint_url}"
        ) from error
    except (BotoConnectionError, HTTPClientError) as error:
        raise StorageFailed(
            f"the object store cannot be reached, or the connection broke ({type(error).__name__});"
            f" try again, or check {settings.endpoint_url}"
        ) from error
    except (BotoCoreError, Boto3Error, HTTPError, OSError, ValueError) as error:
        raise StorageFailed(
            f"the object store could not be used ({type(error).__name__});"
            f" check {settings.endpoint_url} and {settings.bucket}"
        ) from error


def code_of(error: "ClientError") -> str:
    """Return the service's error code; an answer without a body has its HTTP status instead."""
    return error.response.get("Error", {}).get("Code", "")


def status_of(error: "ClientError") -> int:
    """Return the HTTP status of the answer, 0 if it has none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _refusal(error: "ClientError", settings: SettingNames) -> str:
    """Return the message for an answer that is an error."""
    code, status = code_of(error), status_of(error)
    answer = printable(code, limit=60).strip("'\"") if code else str(status)
    if code == "NoSuchBucket":
        return f"the object store has no such bucket; check {settings.bucket}"
    if code == "RequestTimeTooSkewed":
        return "the object store refused the request: the clock of this machine is wrong"
    if code in ("PermanentRedirect", "AuthorizationHeaderMalformed", "301", "307"):
        return (
            f"the bucket is in another region ({answer}); check {settings.region} and"
            f" {settings.endpoint_url}"
        )
    if status in (401, 403):
        return (
            f"the object store refused access ({answer}); check {settings.access_key_id} and"
            f" {settings.secret_access_key}, and that they may {settings.rights} the bucket"
        )
    if status == 404:
        return f"the object store does not answer like S3 ({answer}); check {settings.endpoint_url}"
    if status >= 500 or status == 429:
        return f"the object store is failing or overloaded ({answer}); try again later"
    return (
        f"the object store refused the request ({answer}); check {settings.endpoint_url} and"
        f" {settings.bucket}"
    )
