"""A voice source in memory."""

from collections.abc import Sequence
from itertools import count

from application.ports.voices import FileVersion, RemoteFile
from domain.errors import StorageFailed


class ListedVoices:
    """Lists what ``put`` put here; while ``failure`` is set, every request raises it."""

    def __init__(self, *files: str) -> None:
        self.failure: StorageFailed | None = None
        self._files: dict[str, tuple[FileVersion, bytes]] = {}
        self._etags = map(str, count())
        for file in files:
            self.put(file, file.encode())

    def put(self, file: str, content: bytes, *, etag: str | None = None) -> None:
        """Put ``content`` here as ``file``, under an ETag of its own if none is given."""
        version = FileVersion(next(self._etags) if etag is None else etag, len(content))
        self._files[file] = (version, content)

    def remove(self, file: str) -> None:
        """Remove ``file``."""
        del self._files[file]

    def list(self) -> Sequence[RemoteFile]:
        if self.failure:
            raise self.failure
        return [RemoteFile(file, version) for file, (version, _) in self._files.items()]

    def read(self, remote: RemoteFile) -> bytes:
        if self.failure:
            raise self.failure
        version, content = self._files.get(remote.file, (None, b""))
        if version != remote.version:
            raise StorageFailed(f"{remote.file} is not there in that version")
        return content
