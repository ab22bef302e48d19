"""Finished files in an S3 bucket, each with the job it belongs to in its metadata."""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypedDict
from urllib.parse import quote

from adapters.s3.connection import PROBE_POLICY, S3Connection
from adapters.s3.failures import code_of, own_errors, status_of
from application.ports.storage import StoredObject
from domain.errors import Conflict, StorageFailed

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from types_boto3_s3.type_defs import CompletedPartTypeDef

_OWNER = "job-id"
"""The object's metadata field for its owner."""

_PART_BYTES = 16 * 2**20
"""What is sent, and held in memory, at once; ten thousand such parts may make one object."""

_ROUNDS = 3
"""How often somebody may come between the look at a key and the write to it."""


class _Condition(TypedDict, total=False):
    IfNoneMatch: str
    IfMatch: str


@dataclass(frozen=True, slots=True)
class _Upload:
    """One file on its way."""

    key: str
    content: BinaryIO
    owner: str
    content_type: str

    @property
    def mark(self) -> dict[str, str]:
        return {_OWNER: _header_safe(self.owner)}


class S3Store:
    """An object store in ``bucket``, under keys that begin with ``prefix``.

    Nothing of another job is overwritten: every write carries a condition (``If-None-Match: *``
    for a new object, ``If-Match`` for the job's own) that the service checks. A service that
    answers 501 to conditions gets a second look at the key right before a plain write instead,
    which leaves a gap as long as the upload.

    Args:
        url_expires_seconds: How long the URL of a stored object can be read.
        part_bytes: Files longer than this are sent in parts of this size, 5 MiB at least.
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
        self._takes_conditions = True

    @property
    def kind(self) -> str:
        return "s3"

    def is_reachable(self) -> bool:
        try:
            with own_errors():
                self._connection.client(PROBE_POLICY).head_bucket(Bucket=self._bucket)
        except StorageFailed:
            return False
        return True

    def claim(self, key: str, *, owner: str) -> None:
        with own_errors():
            self._own_etag(self._prefix + key, owner)

    def put(self, key: str, content: BinaryIO, *, owner: str, content_type: str) -> StoredObject:
        upload = _Upload(self._prefix + key, content, owner, content_type)
        with own_errors():
            self._send(upload)
            url = self._connection.client().generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": upload.key},
                ExpiresIn=self._url_expires_seconds,
            )
        return StoredObject(key=upload.key, url=url)

    def _own_etag(self, key: str, owner: str) -> str | None:
        """The ETag of the owner's object under ``key``, or None where there is no object.

        Asks by GET for one byte: the answer to a HEAD has no body, which alone tells a missing
        bucket from a missing object, and a wrong key from a missing right.
        """
        from botocore.exceptions import ClientError

        try:
            found = self._connection.client().get_object(
                Bucket=self._bucket, Key=key, Range="bytes=0-0"
            )
        except ClientError as error:
            if code_of(error) == "NoSuchKey":
                return None
            if status_of(error) == 416:  # an empty object; this store writes none
                raise _conflict(key) from error
            raise
        found["Body"].close()
        if "ETag" not in found:
            raise StorageFailed("S3_ENDPOINT_URL leads to something that does not speak S3")
        if found["Metadata"].get(_OWNER) != _header_safe(owner):
            raise _conflict(key)
        return found["ETag"]

    def _send(self, upload: _Upload) -> None:
        from botocore.exceptions import ClientError

        for _ in range(_ROUNDS):
            etag = self._own_etag(upload.key, upload.owner)
            condition: _Condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
            try:
                self._send_once(upload, condition if self._takes_conditions else {})
            except ClientError as error:
                if code_of(error) == "NotImplemented" and self._takes_conditions:
                    self._takes_conditions = False
                elif not _was_overtaken(error):
                    raise
            else:
                return
        raise StorageFailed(f"{upload.key} is being written by somebody else; try again later")

    def _send_once(self, upload: _Upload, condition: _Condition) -> None:
        size = upload.content.seek(0, os.SEEK_END)
        upload.content.seek(0)
        if size > self._part_bytes:
            self._send_in_parts(upload, condition)
            return
        self._connection.client().put_object(
            Bucket=self._bucket,
            Key=upload.key,
            Body=upload.content,
            ContentType=upload.content_type,
            Metadata=upload.mark,
            **condition,
        )

    def _send_in_parts(self, upload: _Upload, condition: _Condition) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        client = self._connection.client()
        upload_id = client.create_multipart_upload(
            Bucket=self._bucket,
            Key=upload.key,
            ContentType=upload.content_type,
            Metadata=upload.mark,
        )["UploadId"]
        parts: list[CompletedPartTypeDef] = []
        try:
            while part := upload.content.read(self._part_bytes):
                sent = client.upload_part(
                    Bucket=self._bucket,
                    Key=upload.key,
                    UploadId=upload_id,
                    PartNumber=len(parts) + 1,
                    Body=part,
                )
                parts.append({"PartNumber": len(parts) + 1, "ETag": sent["ETag"]})
            client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=upload.key,
                UploadId=upload_id,
                MultipartUpload={"Parts": parts},
                **condition,
            )
        except BaseException:
            # the first error is the one to report; parts left behind would be paid for
            with suppress(BotoCoreError, ClientError):
                client.abort_multipart_upload(
                    Bucket=self._bucket, Key=upload.key, UploadId=upload_id
                )
            raise


def _was_overtaken(error: "ClientError") -> bool:
    """Whether the key, or the upload, changed since the look at it; also by an unheard success."""
    return status_of(error) in (409, 412) or code_of(error) in ("NoSuchKey", "NoSuchUpload")


def _conflict(key: str) -> Conflict:
    return Conflict(f"{key} belongs to another job; choose another session_id")


def _header_safe(owner: str) -> str:
    """``owner`` in the characters that a header carries; job ids of RunPod stay as they are.

    A header without a value is dropped on the way, so no name at all is a bare percent sign.
    """
    return quote(owner, safe="", errors="surrogatepass") or "%"
