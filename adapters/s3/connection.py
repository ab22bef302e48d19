"""A connection to an S3-compatible service: its address, the keys and the time limits."""

from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from adapters.s3.setting_names import STORE_SETTINGS, SettingNames

if TYPE_CHECKING:
    from boto3.session import Session
    from types_boto3_s3 import S3Client

AddressingStyle = Literal["auto", "path", "virtual"]
"""Where a URL names the bucket: in its path, in its host, or whichever the service expects."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent, and how long each attempt may take.

    A request is repeated only after a failure that may pass by itself: HTTP 500, 502, 503 and 504,
    throttling, a broken connection or a time-out (botocore's retry mode "standard").

    Args:
        attempts: Number of attempts, the first one included.
        connect_seconds: Seconds until the connection must stand.
        read_seconds: Seconds that the service may send nothing.
    """

    attempts: int = 4
    connect_seconds: float = 5.0
    read_seconds: float = 20.0


PROBE_POLICY = RetryPolicy(attempts=1, connect_seconds=0.8, read_seconds=0.8)
"""For the health check, which must answer within two seconds: at most 0.8 s for each phase."""


_making_a_client = Lock()
"""Held while a client is made: a boto3 session must not make two at once."""


class S3Connection:
    """Makes one boto3 client for each retry policy and keeps it; safe in any thread.

    Args:
        endpoint_url: Address of the service.
        access_key_id: Name of the key pair.
        secret_access_key: Secret of the key pair; no message and no log contains it.
        region: Region that requests are signed for.
        addressing_style: Where a URL names the bucket.
        retry_policy: Policy of the client that transfers objects.
        settings: What error messages call the arguments.
    """

    def __init__(
        self,
        *,
        endpoint_url: str,
        access_key_id: str,
        secret_access_key: str,
        region: str = "us-east-1",
        addressing_style: AddressingStyle = "auto",
        retry_policy: RetryPolicy = RetryPolicy(),
        settings: SettingNames = STORE_SETTINGS,
    ) -> None:
        self.settings = settings
        self._endpoint_url = endpoint_url
        self._access_key_id = access_key_id
        self._secret_access_key = secret_access_key
        self._region = region
        self._addressing_style = addressing_style
        self._retry_policy = retry_policy
        self._clients: dict[RetryPolicy, S3Client] = {}

    def client(self, retry_policy: RetryPolicy | None = None) -> "S3Client":
        """Return the client with ``retry_policy``; None means the connection's own policy."""
        policy = retry_policy or self._retry_policy
        with _making_a_client:
            if policy not in self._clients:
                self._clients[policy] = self._new_client(policy)
            return self._clients[policy]

    def _new_client(self, policy: RetryPolicy) -> "S3Client":
        from botocore.config import Config

        return _session().client(
            "s3",
            endpoint_url=self._endpoint_url,
            aws_access_key_id=self._access_key_id,
            aws_secret_access_key=self._secret_access_key,
            region_name=self._region,
            config=Config(
                signature_version="s3v4",
                retries={"mode": "standard", "total_max_attempts": policy.attempts},
                connect_timeout=policy.connect_seconds,
                read_timeout=policy.read_seconds,
                s3={"addressing_style": self._style()},
                # By default boto3 sends a checksum as a trailer in chunked encoding, which many
                # S3-compatible services refuse or store as part of the object. Without it the
                # signature covers the body's SHA-256, so the service still verifies the upload.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def _style(self) -> Literal["path", "virtual"]:
        if self._addressing_style != "auto":
            return self._addressing_style
        host = urlsplit(self._endpoint_url).hostname or ""
        return "virtual" if host.endswith((".amazonaws.com", ".amazonaws.com.cn")) else "path"


@cache
def _session() -> "Session":
    """Return the session of all clients, which reads the description of S3 once.

    A client of a new session takes ten times as long. Jobs that bring a store of their own need a
    client each; its endpoint and its key are its own.
    """
    from boto3.session import Session

    return Session()
