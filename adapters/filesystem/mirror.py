"""The voices folder as a copy of a place elsewhere."""

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from adapters.filesystem.files import path_inside, write_errors, write_file
from application.ports.voices import FileVersion, RemoteFile
from domain.errors import StorageFailed, printable

_INDEX = ".synced-voices.json"


class FilesystemMirror:
    """Files below ``root``; a hidden index beside them holds the version of each.

    The index may miss what another process wrote at the same time; such a file is fetched again.
    """

    def __init__(self, *, root: Path) -> None:
        self._root = root

    def versions(self) -> Mapping[str, FileVersion]:
        """Implement ``VoiceMirror.versions``: the files whose size is that of the index."""
        return {
            file: version
            for file, version in self._index().items()
            if self._size_of(file) == version.size_bytes
        }

    def replace(self, remote: RemoteFile, content: bytes) -> None:
        """Implement ``VoiceMirror.replace``.

        Raises:
            StorageFailed: the file leads out of the folder, or cannot be written.
        """
        path = self._path_of(remote.file)
        with write_errors("the voices folder"):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, content)
        self.remember(remote)

    def remove(self, file: str) -> None:
        """Implement ``VoiceMirror.remove``.

        Raises:
            StorageFailed: the file leads out of the folder, or cannot be removed.
        """
        path = self._path_of(file)
        with write_errors("the voices folder"):
            path.unlink(missing_ok=True)

    def remember(self, remote: RemoteFile) -> None:
        """Implement ``VoiceMirror.remember``.

        Raises:
            StorageFailed: the index cannot be written.
        """
        index = self._index() | {remote.file: remote.version}
        with write_errors("the voices folder"):
            write_file(self._root / _INDEX, _to_json(index))

    def _path_of(self, file: str) -> Path:
        if path_inside(self._root, str(PurePosixPath(file).parent)) is None:
            raise StorageFailed(f"{printable(file)} leads out of the voices folder")
        return self._root / file

    def _index(self) -> dict[str, FileVersion]:
        try:
            entries = json.loads((self._root / _INDEX).read_bytes())
            return {
                file: FileVersion(str(etag), int(size)) for file, (etag, size) in entries.items()
            }
        except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            return {}  # missing or damaged: every file is fetched again

    def _size_of(self, file: str) -> int | None:
        try:
            return (self._root / file).stat().st_size
        except (OSError, ValueError):  # ValueError: a name in the index that holds a NUL
            return None


def _to_json(index: Mapping[str, FileVersion]) -> bytes:
    entries = {file: [version.etag, version.size_bytes] for file, version in index.items()}
    return json.dumps(entries, indent=1, sort_keys=True).encode()
