"""A voice store in memory."""

from collections.abc import Sequence
from itertools import count

from application.ports.voices import FileVersion, RemoteFile
from domain.errors import Conflict, StorageFailed


class ListedVoices:
    """Lists what ``put`` put here.

    While ``failure`` is set, every request raises it; ``refused`` are the files that no request may
    change.
    """

    def __init__(self, *files: str) -> None:
        self.failure: StorageFailed | None = None
        self.refused: set[str] = set()
        self._files: dict[str, tuple[FileVersion, bytes]] = {}
        self._etags = map(str, count())
        for file in files:
            self.put(file, file.encode())

    def put(self, file: str, content: bytes, *, etag: str | None = None) -> None:
        """Put ``content`` here as ``file``, under an ETag of its own if none is given."""
        version = FileVersion(next(self._etags) if etag is None else etag, len(content))
        self._files[file] = (version, content)

    @property
    def contents(self) -> dict[str, bytes]:
        """The content of each file."""
        return {file: content for file, (_, content) in self._files.items()}

    def write(self, file: str, content: bytes, *, replaces: bool) -> RemoteFile:
        self._require_changeable(file)
        if file in self._files and not replaces:
            raise Conflict(f"there is a recording {file} already")
        self.put(file, content)
        return RemoteFile(file, self._files[file][0])

    def remove(self, file: str) -> None:
        self._require_changeable(file)
        self._files.pop(file, None)

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

    def _require_changeable(self, file: str) -> None:
        if self.failure:
            raise self.failure
        if file in self.refused:
            raise StorageFailed(f"{file} may not be changed")
