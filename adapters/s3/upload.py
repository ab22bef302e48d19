"""One write of a file into a bucket, in one request or in parts."""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef


class Condition(TypedDict, total=False):
    """Headers that make a write fail if the key is not in the state that they name."""

    IfNoneMatch: str
    IfMatch: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is to be stored; ``content`` is seekable."""

    bucket: str
    key: str
    content: BinaryIO
    content_type: str
    metadata: "Mapping[str, str]"


def send(client: "S3Client", upload: Upload, condition: Condition, *, part_bytes: int) -> None:
    """Write ``upload`` from its start, whole or not at all, if ``condition`` holds.

    Args:
        client: The client of the service.
        upload: The file.
        condition: Checked by the service when the object would appear; empty for no condition.
        part_bytes: A longer file is sent in parts of this size.

    Raises:
        ClientError: the service refused, because of the condition or for another reason.
        BotoCoreError: the service could not be reached.
    """
    size = upload.content.seek(0, os.SEEK_END)
    upload.content.seek(0)
    if size > part_bytes:
        _send_in_parts(client, upload, condition, part_bytes)
        return
    client.put_object(
        Bucket=upload.bucket,
        Key=upload.key,
        Body=upload.content,
        ContentType=upload.content_type,
        Metadata=upload.metadata,
        **condition,
    )


def _send_in_parts(
    client: "S3Client", upload: Upload, condition: Condition, part_bytes: int
) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    upload_id = client.create_multipart_upload(
        Bucket=upload.bucket,
        Key=upload.key,
        ContentType=upload.content_type,
        Metadata=upload.metadata,
    )["UploadId"]
    parts: list[CompletedPartTypeDef] = []
    try:
        while part := upload.content.read(part_bytes):
            sent = client.upload_part(
                Bucket=upload.bucket,
                Key=upload.key,
                UploadId=upload_id,
                PartNumber=len(parts) + 1,
                Body=part,
            )
            parts.append({"PartNumber": len(parts) + 1, "ETag": sent["ETag"]})
        client.complete_multipart_upload(
            Bucket=upload.bucket,
            Key=upload.key,
            UploadId=upload_id,
            MultipartUpload={"Parts": parts},
            **condition,
        )
    except BaseException:
        # Parts that stay behind cost money. An error of the abort must not hide the first one.
        with suppress(BotoCoreError, ClientError):
            client.abort_multipart_upload(Bucket=upload.bucket, Key=upload.key, UploadId=upload_id)
        raise
