"""The recordings in an S3 bucket."""

from collections.abc import Sequence

from adapters.s3.connection import S3Connection
from adapters.s3.failures import map_s3_errors
from application.ports.voices import FileVersion, RemoteFile


class S3VoiceSource:
    """Lists and reads the files below one prefix of a bucket.

    Args:
        connection: The connection to the service.
        uri: ``s3://BUCKET`` or ``s3://BUCKET/PREFIX``.
    """

    def __init__(self, *, connection: S3Connection, uri: str) -> None:
        self._connection = connection
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
