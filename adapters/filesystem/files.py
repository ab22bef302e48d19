"""Files that appear in one step and stay, and recordings that are read with care.

One rule of durability holds for every file of this package: its content is on the disk before its
name appears, and the folder is on the disk before the caller goes on.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from domain.errors import BadReference, StorageFailed
from domain.recording_limits import LARGEST_FILE_BYTES

ASIDE_PREFIX = ".part."
"""How the names of files begin that are being written; a killed process leaves them behind."""

_FILE_MODE = 0o644
"""Temporary files are private; finished ones are for every reader of the folder."""


def write_file(path: Path, content: bytes, *, replaces: bool = True) -> None:
    """Put ``content`` at ``path`` in one step, also where a link or an older file stands.

    Raises:
        FileExistsError: there is something at ``path``, and ``replaces`` is false.
        OSError: it cannot be written.
    """
    with _temporary_file(path.parent) as (aside, opened):
        opened.write(content)
        _sync(opened)
        publish(aside, path, replaces=replaces)


@contextmanager
def written_aside(path: Path, content: BinaryIO) -> Generator[Path, None, None]:
    """Write ``content`` to a hidden file beside ``path``, to be published inside the block.

    A file that was not published is removed at the end of the block.

    Raises:
        OSError: it cannot be written.
    """
    content.seek(0)
    with _temporary_file(path.parent) as (aside, opened):
        shutil.copyfileobj(content, opened)
        _sync(opened)
        yield aside


def publish(aside: Path, path: Path, *, replaces: bool = True) -> None:
    """Give the finished file ``aside`` the name ``path`` of the same folder.

    Raises:
        FileExistsError: there is something at ``path``, and ``replaces`` is false.
        OSError: it cannot be renamed.
    """
    if replaces:
        aside.replace(path)
    else:
        os.link(aside, path)
    # Not every file system can sync a folder, and the file has its name already.
    with suppress(OSError), _opened_folder(path.parent) as folder:
        os.fsync(folder)


def is_writable(folder: Path) -> bool:
    """Make ``folder`` where it is missing, and try to write a file there.

    Access rights alone do not show that a file system is full or read-only.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0")
    except OSError:
        return False
    return True


@contextmanager
def locked(folder: Path) -> Generator[None, None, None]:
    """Hold the lock of ``folder``, which one process at a time can hold."""
    with _opened_folder(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextmanager
def write_errors(folder: str, advice: str = "") -> Generator[None, None, None]:
    """Raise ``StorageFailed`` for every ``OSError``; ``folder`` and ``advice`` are for its text."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"{folder} cannot be written ({reason(error)}){advice}") from error


def reason(error: OSError) -> str:
    """Return what the system reports of ``error``, as a part of a sentence."""
    return (error.strerror or "an unknown fault").lower()


def path_inside(root: Path, relative: str) -> Path | None:
    """Return where ``relative`` leads when all links are followed; None outside ``root``."""
    # os.path.realpath ends at a loop of links, where Path.resolve raises (RuntimeError or OSError,
    # by the version of Python).
    path = Path(os.path.realpath(root / relative))
    return path if path.is_relative_to(os.path.realpath(root)) else None


def read_recording(path: Path, *, name: str, follows_link: bool) -> bytes:
    """Return the content of ``path``; a pipe or a device is opened but never read.

    ``name`` is for the error message. With ``follows_link`` false a last link is an ``OSError``.

    Raises:
        BadReference: it is no regular file, or larger than ``LARGEST_FILE_BYTES``.
        OSError: it cannot be read.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follows_link else os.O_NOFOLLOW)
    with os.fdopen(os.open(path, flags), "rb") as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE_BYTES:
            raise BadReference(f"{name} is no recording of at most 64 MB")
        return opened.read(LARGEST_FILE_BYTES)


@contextmanager
def _temporary_file(folder: Path) -> Generator[tuple[Path, BinaryIO], None, None]:
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=ASIDE_PREFIX)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            yield Path(name), opened
    finally:
        Path(name).unlink(missing_ok=True)


def _sync(opened: BinaryIO) -> None:
    opened.flush()
    os.fsync(opened.fileno())
    os.fchmod(opened.fileno(), _FILE_MODE)


@contextmanager
def _opened_folder(folder: Path) -> Generator[int, None, None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
