"""The recordings in an S3 bucket."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.s3.connection import S3Connection
from adapters.s3.failures import code_of, map_s3_errors, status_of
from adapters.s3.upload import Condition
from application.ports.voices import FileVersion, RemoteFile
from domain.errors import Conflict, printable


class S3VoiceStore:
    """The files below one prefix of a bucket.

    A new file is written with a condition (``If-None-Match: *``), so that of two servers that add
    one voice at once one is refused. A service that answers 501 to conditions gets none.

    Args:
        connection: The connection to the service.
        uri: ``s3://BUCKET`` or ``s3://BUCKET/PREFIX``.
    """

    def __init__(self, *, connection: S3Connection, uri: str) -> None:
        self._connection = connection
        self._changed = replace(connection.settings, rights="write and delete in")
        self._bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def list(self) -> Sequence[RemoteFile]:
        with map_s3_errors(self._connection.settings):
            pages = self._connection.client().get_paginator("list_objects_v2")
            return [
                RemoteFile(
                    found["Key"].removeprefix(self._prefix),
                    FileVersion(found["ETag"], found["Size"]),
                )
                for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix)
                for found in page.get("Contents", ())
                if not found["Key"].endswith("/")  # web consoles make folders as such objects
            ]

    def read(self, remote: RemoteFile) -> bytes:
        with map_s3_errors(self._connection.settings):
            found = self._connection.client().get_object(
                Bucket=self._bucket,
                Key=self._prefix + remote.file,
                IfMatch=remote.version.etag,
            )
            return found["Body"].read()

    def write(self, file: str, content: bytes, *, replaces: bool) -> RemoteFile:
        from botocore.exceptions import ClientError

        with map_s3_errors(self._changed):
            if replaces:
                return self._put(file, content, {})
            try:
                return self._put(file, content, {"IfNoneMatch": "*"})
            except ClientError as error:
                if code_of(error) == "NotImplemented":
                    return self._put(file, content, {})
                if status_of(error) != 412:
                    raise
                return self._own(file, content)

    def remove(self, file: str) -> None:
        with map_s3_errors(self._changed):
            self._connection.client().delete_object(Bucket=self._bucket, Key=self._prefix + file)

    def _put(self, file: str, content: bytes, condition: Condition) -> RemoteFile:
        stored = self._connection.client().put_object(
            Bucket=self._bucket, Key=self._prefix + file, Body=content, **condition
        )
        return RemoteFile(file, FileVersion(stored.get("ETag", ""), len(content)))

    def _own(self, file: str, content: bytes) -> RemoteFile:
        """Return the file that is there if an attempt whose answer was lost has written it.

        Raises:
            Conflict: it has another content.
        """
        found = self._connection.client().get_object(Bucket=self._bucket, Key=self._prefix + file)
        if found["Body"].read() != content:
            raise Conflict(f"there is a recording {printable(file)} already")
        return RemoteFile(file, FileVersion(found["ETag"], len(content)))
