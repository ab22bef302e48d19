"""Finished files in an S3 bucket; the metadata of each names the job that owns it."""

import uuid
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

from adapters.s3.connection import PROBE_POLICY, S3Connection
from adapters.s3.failures import code_of, map_s3_errors, status_of
from adapters.s3.upload import Condition, Upload, send
from application.ports.storage import StoredObject
from application.ports.storage_probe import PROBE_CONTENT, StorageProbe
from domain.errors import Conflict, StorageFailed

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_OWNER = "job-id"
"""Metadata field that holds an object's owner."""

_PART_BYTES = 16 * 2**20
"""16 MiB, the memory that one upload takes; S3 allows 10,000 parts, so objects up to 156 GiB."""

_WRITE_ATTEMPTS = 3
"""Attempts before giving up when another job changes the key between our read and our
conditional write. Jobs seldom share a key; one attempt may find that conditions are unknown."""


class S3Store:
    """An object store in ``bucket``, under keys that begin with ``prefix``.

    No write overwrites an object of another job: every write has a condition that the service
    checks (``If-None-Match: *`` for a new object, ``If-Match`` for the job's own). If the service
    answers 501 to conditions, the store reads the key again and then writes without a condition.
    Another job can then still write during the upload.

    Args:
        connection: The connection to the service.
        bucket: Name of the bucket, which must exist.
        prefix: Beginning of every key.
        url_expires_seconds: Seconds that the URL of a stored object can be read.
        part_bytes: Longer files are sent in parts of this size; S3 demands 5 MiB or more.
    """

    def __init__(
        self,
        *,
        connection: S3Connection,
        bucket: str,
        prefix: str = "",
        url_expires_seconds: int = 86_400,
        part_bytes: int = _PART_BYTES,
    ) -> None:
        self._connection = connection
        self._bucket = bucket
        self._prefix = prefix
        self._url_expires_seconds = url_expires_seconds
        self._part_bytes = part_bytes
        self._supports_conditions = True

    @property
    def kind(self) -> str:
        return "s3"

    @property
    def largest_bytes(self) -> None:
        """No limit that speech reaches: an object may have 156 GiB."""

    def is_reachable(self) -> bool:
        try:
            with map_s3_errors(self._connection.settings):
                self._connection.client(PROBE_POLICY).head_bucket(Bucket=self._bucket)
        except StorageFailed:
            return False
        return True

    def claim(self, key: str, *, owner: str) -> None:
        with map_s3_errors(self._connection.settings):
            self._own_etag(self._prefix + key, owner)

    def put(self, key: str, content: BinaryIO, *, owner: str, content_type: str) -> StoredObject:
        upload = Upload(
            bucket=self._bucket,
            key=self._prefix + key,
            content=content,
            content_type=content_type,
            metadata={_OWNER: _header_safe(owner)},
        )
        with map_s3_errors(self._connection.settings):
            self._send(upload, owner)
            url = self._connection.client().generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": upload.key},
                ExpiresIn=self._url_expires_seconds,
            )
        return StoredObject(key=upload.key, url=url)

    def probe(self) -> StorageProbe:
        name = f"probe-{uuid.uuid4().hex}.txt"
        key = self.put(name, BytesIO(PROBE_CONTENT), owner=name, content_type="text/plain").key
        client = self._connection.client()
        with map_s3_errors(self._connection.settings):
            length = client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
            content = client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        if length != len(PROBE_CONTENT) or content != PROBE_CONTENT:
            raise StorageFailed("the object store gives back something else than was stored")
        try:
            with map_s3_errors(self._connection.settings):
                client.delete_object(Bucket=self._bucket, Key=key)
        except StorageFailed as error:
            return StorageProbe(key, removal_failure=error.message)
        return StorageProbe(key)

    def _own_etag(self, key: str, owner: str) -> str | None:
        """Return the ETag of the owner's object under ``key``, or None if there is no object.

        The request is a GET of one byte, not a HEAD: only an answer with a body tells a missing
        bucket from a missing object, and a wrong access key from a missing permission.

        Raises:
            Conflict: the object belongs to another owner.
        """
        from botocore.exceptions import ClientError

        try:
            found = self._connection.client().get_object(
                Bucket=self._bucket, Key=key, Range="bytes=0-0"
            )
        except ClientError as error:
            if code_of(error) == "NoSuchKey":
                return None
            if status_of(error) == 416:  # an empty object, which this store never writes
                raise _conflict(key) from error
            raise
        found["Body"].close()
        if "ETag" not in found:
            raise StorageFailed(
                f"{self._connection.settings.endpoint_url} leads to something that does not"
                " speak S3"
            )
        if found["Metadata"].get(_OWNER) != _header_safe(owner):
            raise _conflict(key)
        return found["ETag"]

    def _send(self, upload: Upload, owner: str) -> None:
        """Store the file, and start again if the key changes in between."""
        from botocore.exceptions import ClientError

        for _ in range(_WRITE_ATTEMPTS):
            etag = self._own_etag(upload.key, owner)
            condition: Condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
            if not self._supports_conditions:
                condition = {}
            try:
                send(self._connection.client(), upload, condition, part_bytes=self._part_bytes)
            except ClientError as error:
                if code_of(error) == "NotImplemented" and self._supports_conditions:
                    self._supports_conditions = False
                elif not _key_has_changed(error):
                    raise
            else:
                return
        raise StorageFailed(f"{upload.key} is being written by somebody else; try again later")


def _key_has_changed(error: "ClientError") -> bool:
    """Return whether the key or the upload has changed since the store read it.

    The change may be the store's own: an earlier attempt that succeeded, but whose answer was lost.
    """
    return status_of(error) in (409, 412) or code_of(error) in ("NoSuchKey", "NoSuchUpload")


def _conflict(key: str) -> Conflict:
    return Conflict(f"{key} belongs to another job; choose another session_id")


def _header_safe(owner: str) -> str:
    """Return ``owner`` in characters that a header can carry; RunPod's job ids stay unchanged.

    Clients and proxies drop a header without a value, so an empty name becomes a percent sign.
    """
    return quote(owner, safe="", errors="surrogatepass") or "%"
