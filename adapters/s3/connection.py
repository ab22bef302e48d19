"""The one connection to an S3-compatible service: where it is, who we are, how long we wait."""

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

AddressingStyle = Literal["auto", "path", "virtual"]
"""Where a URL names the bucket: in its path, in its host, or whichever the service expects."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is tried, and the seconds that one try may wait.

    ``attempts`` counts the first one. Only what may pass by itself is tried again: 500, 502, 503,
    504, throttling, broken connections and time-outs (botocore's standard mode).
    """

    attempts: int = 4
    connect_seconds: float = 5.0
    read_seconds: float = 20.0


PROBE_POLICY = RetryPolicy(attempts=1, connect_seconds=0.8, read_seconds=0.8)
"""For a question that must be answered within two seconds, if only by no."""


class S3Connection:
    """Makes each boto3 client once for the process; safe in any thread.

    Args:
        patience: Of the client that moves objects; ``client(PROBE_POLICY)`` gives another.
    """

    def __init__(
        self,
        *,
        endpoint_url: str,
        access_key_id: str,
        secret_access_key: str,
        region: str = "us-east-1",
        addressing_style: AddressingStyle = "auto",
        patience: RetryPolicy = RetryPolicy(),
    ) -> None:
        self._endpoint_url = endpoint_url
        self._access_key_id = access_key_id
        self._secret_access_key = secret_access_key
        self._region = region
        self._addressing_style = addressing_style
        self._patience = patience
        self._clients: dict[RetryPolicy, S3Client] = {}
        self._lock = Lock()

    def client(self, patience: RetryPolicy | None = None) -> "S3Client":
        """The client of that patience, the connection's own by default."""
        patience = patience or self._patience
        with self._lock:  # a session that makes clients is not safe in two threads
            if patience not in self._clients:
                self._clients[patience] = self._new_client(patience)
            return self._clients[patience]

    def _new_client(self, patience: RetryPolicy) -> "S3Client":
        from boto3.session import Session
        from botocore.config import Config

        return Session().client(
            "s3",
            endpoint_url=self._endpoint_url,
            aws_access_key_id=self._access_key_id,
            aws_secret_access_key=self._secret_access_key,
            region_name=self._region,
            config=Config(
                signature_version="s3v4",
                retries={"mode": "standard", "total_max_attempts": patience.attempts},
                connect_timeout=patience.connect_seconds,
                read_timeout=patience.read_seconds,
                s3={"addressing_style": self._style()},
                # The default adds a checksum as a trailer in chunked encoding, which many
                # S3-compatible services refuse or store as part of the object. Without it the
                # signature covers the body's SHA-256, so the upload is checked all the same.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def _style(self) -> Literal["path", "virtual"]:
        if self._addressing_style != "auto":
            return self._addressing_style
        host = urlsplit(self._endpoint_url).hostname or ""
        return "virtual" if host.endswith((".amazonaws.com", ".amazonaws.com.cn")) else "path"
