"""The voices folder as a copy of a place elsewhere."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from application.ports.voices import FileVersion, RemoteFile
from domain.errors import StorageFailed, printable

_INDEX = ".synced-voices.json"


class FilesystemMirror:
    """Files below ``root``, and which version each one is in a hidden index beside them.

    The index may miss what another process wrote at the same time; such a file is fetched again.
    """

    def __init__(self, *, root: Path) -> None:
        self._root = root

    def versions(self) -> Mapping[str, FileVersion]:
        return {
            file: version
            for file, version in self._index().items()
            if self._size_of(file) == version.size_bytes
        }

    def replace(self, remote: RemoteFile, content: bytes) -> None:
        path = self._root / remote.file
        if not path.parent.resolve().is_relative_to(self._root.resolve()):
            raise StorageFailed(f"{printable(remote.file)} leads out of the voices folder")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _publish(path, content)
            index = self._index() | {remote.file: remote.version}
            _publish(self._root / _INDEX, _to_json(index))
        except OSError as error:
            reason = error.strerror or "an unknown fault"
            raise StorageFailed(
                f"the voices folder cannot be written ({reason.lower()})"
            ) from error

    def _index(self) -> dict[str, FileVersion]:
        try:
            entries = json.loads((self._root / _INDEX).read_bytes())
            return {
                file: FileVersion(str(etag), int(size)) for file, (etag, size) in entries.items()
            }
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # none yet, or spoilt: every file is fetched again

    def _size_of(self, file: str) -> int | None:
        try:
            return (self._root / file).stat().st_size
        except OSError:
            return None


def _to_json(index: Mapping[str, FileVersion]) -> bytes:
    entries = {file: [version.etag, version.size_bytes] for file, version in index.items()}
    return json.dumps(entries, indent=1, sort_keys=True).encode()


def _publish(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` in one step, also where a link or an older file stands."""
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=".", suffix=".part", delete=False
    ) as aside:
        try:
            aside.write(content)
            aside.flush()
            os.fsync(aside.fileno())
            os.fchmod(aside.fileno(), 0o644)
            Path(aside.name).replace(path)
        except BaseException:
            Path(aside.name).unlink()
            raise
