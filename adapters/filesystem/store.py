"""Finished files in a folder, each beside a note with the job that owns it."""

import io
import os
import re
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from adapters.filesystem.files import (
    is_writable,
    locked,
    publish,
    write_errors,
    write_file,
    written_aside,
)
from application.ports.storage import RemovedFiles, StoredObject
from application.ports.storage_probe import PROBE_CONTENT, StorageProbe
from domain.errors import Conflict, StorageFailed

_NOTE = re.compile(r"\.(?P<of>.+)\.owner")
_LEFTOVER = re.compile(r"\..+\.[a-z0-9_]{8}")
"""The temporary files of a process that was killed: ``files.ASIDE_PREFIX`` and eight characters."""


class FilesystemStore:
    """An object store in ``root``, which is made when it is first used.

    The owner of ``NAME`` is written in ``.NAME.owner``; a lock on the folder prevents that two
    processes publish the same name at once.
    """

    def __init__(self, *, root: Path) -> None:
        self._root = root

    @property
    def kind(self) -> str:
        """The word for this store in results and health reports."""
        return "filesystem"

    @property
    def largest_bytes(self) -> None:
        """No limit but the space on the disk."""

    def is_reachable(self) -> bool:
        """Return whether a file can be written in the folder."""
        return is_writable(self._root)

    def claim(self, key: str, *, owner: str) -> None:
        """Implement ``ObjectStore.claim``.

        Raises:
            Conflict: the file belongs to another owner.
            StorageFailed: the folder cannot be written.
        """
        with self._alone():
            self._require_mine(key, owner)

    def put(self, key: str, content: BinaryIO, *, owner: str, content_type: str) -> StoredObject:
        """Implement ``ObjectStore.put``; a file has no content type but its ending.

        Raises:
            Conflict: the file belongs to another owner.
            StorageFailed: the folder cannot be written.
        """
        path = self._root / key
        with self._alone():
            self._require_mine(key, owner)
            with written_aside(path, content) as aside:
                write_file(self._owner_note(key), _note(owner))
                publish(aside, path)
        return StoredObject(key=key, url=path.absolute().as_uri())

    def probe(self) -> StorageProbe:
        """Implement ``ProbedStorage.probe``.

        Raises:
            StorageFailed: the folder cannot be written or read.
        """
        key = f"probe-{uuid.uuid4().hex}.txt"
        path = self._root / key
        self.put(key, io.BytesIO(PROBE_CONTENT), owner=key, content_type="text/plain")
        with self._alone():
            if path.stat().st_size != len(PROBE_CONTENT) or path.read_bytes() != PROBE_CONTENT:
                raise StorageFailed("the output folder gives back something else than was stored")
            path.unlink()
            self._owner_note(key).unlink()
        return StorageProbe(key)

    def remove_before(self, moment: float) -> RemovedFiles:
        """Implement ``ExpiringFiles.remove_before`` for files of this folder, with their notes.

        Links, sub-folders and hidden files that this store did not write stay.

        Raises:
            StorageFailed: a file cannot be removed.
        """
        if not self._root.is_dir():
            return RemovedFiles(0, 0)
        with self._alone():
            return self._remove_before(moment)

    def _remove_before(self, moment: float) -> RemovedFiles:
        found = {
            entry.name: entry.stat(follow_symlinks=False)
            for entry in os.scandir(self._root)
            if entry.is_file(follow_symlinks=False)
        }
        old = {name for name, status in found.items() if status.st_mtime < moment}
        files = {name for name in old if not name.startswith(".")}
        notes = {name: note["of"] for name in found if (note := _NOTE.fullmatch(name))}
        leftovers = {name for name in old if name not in notes and _LEFTOVER.fullmatch(name)}
        orphans = {
            name for name, of in notes.items() if of in files or (of not in found and name in old)
        }
        for name in (*files, *leftovers, *orphans):
            (self._root / name).unlink(missing_ok=True)
        return RemovedFiles(
            len(files | leftovers), sum(found[name].st_size for name in files | leftovers)
        )

    def _require_mine(self, key: str, owner: str) -> None:
        note = self._owner_note(key)
        if not (self._root / key).exists():
            return
        if not note.exists() or note.read_bytes() != _note(owner):
            raise Conflict(f"{key} belongs to another job; choose another session_id")

    def _owner_note(self, key: str) -> Path:
        return self._root / f".{key}.owner"

    @contextmanager
    def _alone(self) -> Generator[None, None, None]:
        """Hold the folder's lock, and map the errors of what is written meanwhile."""
        with write_errors("the output folder", "; check its rights and space"):
            self._root.mkdir(parents=True, exist_ok=True)
            with locked(self._root):
                yield


def _note(owner: str) -> bytes:
    """Return ``owner`` in bytes that keep line ends and lone surrogates."""
    return owner.encode("utf-8", "surrogatepass")
