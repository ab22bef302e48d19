"""Finished files in a folder, each beside a note of the job it belongs to."""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from application.ports.storage import RemovedFiles, StoredObject
from domain.errors import Conflict, StorageFailed

_NOTE = re.compile(r"\.(?P<of>.+)\.owner")
_LEFTOVER = re.compile(r"\..+\.[a-z0-9_]{8}")
"""What a process that was killed while it wrote leaves behind."""


class FilesystemStore:
    """An object store in ``root``, which is made when it is first needed.

    The owner of ``NAME`` is written in ``.NAME.owner``; a lock on the folder keeps two processes
    from publishing the same name at once.
    """

    def __init__(self, *, root: Path) -> None:
        self._root = root

    @property
    def kind(self) -> str:
        return "filesystem"

    def is_reachable(self) -> bool:
        return _is_writable(self._root)

    def claim(self, key: str, *, owner: str) -> None:
        with _own_errors(), self._locked():
            self._require_mine(key, owner)

    def put(self, key: str, content: BinaryIO, *, owner: str, content_type: str) -> StoredObject:
        """The port's promise; a file has no content type but its ending."""
        with _own_errors(), self._locked():
            self._require_mine(key, owner)
            written = _written_aside(self._root / key, content)
            try:
                self._owner_note(key).write_bytes(_note(owner))
                written.replace(self._root / key)
            except BaseException:
                written.unlink(missing_ok=True)
                raise
        return StoredObject(key=key, url=(self._root / key).absolute().as_uri())

    def remove_before(self, moment: float) -> RemovedFiles:
        """The promise of ``ExpiringFiles``: files of this folder itself, with their notes.

        Links, sub-folders and hidden files that this store did not write stay.
        """
        if not self._root.is_dir():
            return RemovedFiles(0, 0)
        with _own_errors(), self._locked():
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
    def _locked(self) -> Generator[None, None, None]:
        self._root.mkdir(parents=True, exist_ok=True)
        folder = os.open(self._root, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


class NamedFileStore:
    """One file, at a path that the person at the keyboard chose; what is there is replaced."""

    def __init__(self, *, path: Path) -> None:
        self._path = path

    @property
    def kind(self) -> str:
        return "filesystem"

    def is_reachable(self) -> bool:
        return _is_writable(self._path.parent)

    def claim(self, key: str, *, owner: str) -> None:
        """The file is the caller's whatever the owner; checks that it can be written."""
        if self._path.is_dir():
            raise StorageFailed(f"{self._path.name} is a folder; name a file")
        if not self.is_reachable():
            raise StorageFailed(f"the folder of {self._path.name} cannot be written")

    def put(self, key: str, content: BinaryIO, *, owner: str, content_type: str) -> StoredObject:
        with _own_errors():
            _written_aside(self._path, content).replace(self._path)
        return StoredObject(key=self._path.name, url=self._path.absolute().as_uri())


def _is_writable(folder: Path) -> bool:
    """Found out by writing: rights alone do not tell of full, read-only or strange filesystems."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0")
    except OSError:
        return False
    return True


def _note(owner: str) -> bytes:
    """Any string there and back: no line ends translated, lone surrogates included."""
    return owner.encode("utf-8", "surrogatepass")


def _written_aside(path: Path, content: BinaryIO) -> Path:
    """``content`` whole and safe on the disk, next to ``path``, under a hidden name."""
    content.seek(0)
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as aside:
        try:
            shutil.copyfileobj(content, aside)
            aside.flush()
            os.fsync(aside.fileno())
            os.fchmod(aside.fileno(), 0o644)
        except BaseException:
            Path(aside.name).unlink()
            raise
    return Path(aside.name)


@contextmanager
def _own_errors() -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or "an unknown fault"
        raise StorageFailed(
            f"the output folder cannot be written ({reason.lower()}); check its rights and space"
        ) from error
