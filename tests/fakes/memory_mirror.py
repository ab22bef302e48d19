"""A voices folder in memory, as a copy of a source."""

import posixpath
from collections.abc import Mapping

from application.ports.voices import FileVersion, RemoteFile
from domain.errors import StorageFailed, printable


class MemoryMirror:
    """Keeps ``contents`` by file; while ``is_unwritable`` is set, it takes no file."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.is_unwritable = False
        self._versions: dict[str, FileVersion] = {}

    def versions(self) -> Mapping[str, FileVersion]:
        return {file: version for file, version in self._versions.items() if file in self.contents}

    def replace(self, remote: RemoteFile, content: bytes) -> None:
        if posixpath.normpath(remote.file).startswith(("..", "/")):
            raise StorageFailed(f"{printable(remote.file)} leads out of the voices folder")
        if self.is_unwritable:
            raise StorageFailed("the voices folder cannot be written")
        self.contents[remote.file] = content
        self.remember(remote)

    def remove(self, file: str) -> None:
        if self.is_unwritable:
            raise StorageFailed("the voices folder cannot be written")
        self.contents.pop(file, None)

    def remember(self, remote: RemoteFile) -> None:
        if self.is_unwritable:
            raise StorageFailed("the voices folder cannot be written")
        self._versions[remote.file] = remote.version
