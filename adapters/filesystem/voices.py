"""Recordings in a folder, and one that ships with the product."""

import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path, PurePosixPath

from application.ports.voices import FileVersion, VoiceFile
from domain.errors import BadReference, InvalidRequest, StorageFailed, UnknownVoice, printable
from domain.recording_limits import LARGEST_FILE_BYTES
from domain.voice import (
    choose_file,
    is_voice_file,
    is_voice_name,
    renamed_file,
    shadowed_files,
    voice_name,
)

BUNDLED_VOICE = "default.ogg"
"""The recording that is always there; a file of that name in the folder takes its place."""

_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


class FilesystemVoices:
    """The recordings below ``root``; a folder that does not exist holds none.

    Hidden files are no voices. A link counts as what it leads to, if that is inside ``root``.
    """

    def __init__(self, *, root: Path) -> None:
        self._root = root

    def list(self) -> Sequence[str]:
        files = self._files()
        shadowed = shadowed_files(files)
        return [file for file in files if file not in shadowed]

    def shadowed(self) -> Mapping[str, str]:
        return dict(sorted(shadowed_files(self._files()).items()))

    def _files(self) -> Sequence[str]:
        found: set[str] = set()
        for folder, _, names in os.walk(self._root):
            inside = PurePosixPath(os.path.relpath(folder, self._root))
            found.update(
                file
                for name in names
                if is_voice_file(name)
                and is_voice_name(file := str(inside / name))
                and self._resolve(file)
            )
        if not any(voice_name(file) == voice_name(BUNDLED_VOICE) for file in found):
            found.add(BUNDLED_VOICE)
        return sorted(found)

    def read(self, name: str) -> VoiceFile:
        file = self._choose(name) if is_voice_name(name) else None
        content = self._content(file) if file else None
        if file and content is not None:
            return VoiceFile(voice_name(file), file, content)
        if name in (BUNDLED_VOICE, voice_name(BUNDLED_VOICE)):
            bundled = files("adapters.filesystem").joinpath("bundled_voices", BUNDLED_VOICE)
            return VoiceFile(voice_name(BUNDLED_VOICE), BUNDLED_VOICE, bundled.read_bytes())
        raise self._unknown(name)

    def version(self, file: str) -> FileVersion | None:
        path = self._resolve(file)
        try:
            status = path.stat() if path else None
        except OSError:
            return None
        if status is None:
            return FileVersion("bundled", 0) if file == BUNDLED_VOICE else None
        etag = f"{status.st_dev}-{status.st_ino}-{status.st_mtime_ns}-{status.st_ctime_ns}"
        return FileVersion(etag, status.st_size)

    def add(self, file: str, content: bytes, *, replaces: bool = False) -> None:
        if not is_voice_name(file) or not is_voice_file(file):
            raise InvalidRequest("name", f"{printable(file)} cannot name a recording")
        with _own_errors():
            self._root.mkdir(parents=True, exist_ok=True)
        with _own_errors(), self._alone():
            taken = self._of_voice(voice_name(file))
            if not replaces:
                _require_free(file, taken)
            path = self._writable_path(file)
            _publish(path, content, replaces=replaces)
            for other in (self._root / file for file in taken):
                # on a file system that ignores case, another spelling is the new file
                if not other.exists() or not other.samefile(path):
                    other.unlink()

    def remove(self, name: str) -> str:
        with _own_errors(), self._alone():
            file = self._changeable(name, "removed")
            (self._root / file).unlink()
        return file

    def rename(self, name: str, new_name: str) -> str:
        with _own_errors(), self._alone():
            file = self._changeable(name, "renamed")
            new_file = renamed_file(file, new_name)
            _require_free(new_file, self._of_voice(voice_name(new_file)))
            path, new_path = self._root / file, self._writable_path(new_file)
            if path.is_symlink() and path.parent != new_path.parent:
                raise InvalidRequest(
                    "name", f"{printable(file)} is a link, and stays in its folder"
                )
            path.rename(new_path)
        return new_file

    @contextmanager
    def _alone(self) -> Generator[None, None, None]:
        """Hold the folder's lock, which only what changes names takes."""
        if not self._root.is_dir():
            yield
            return
        folder = os.open(self._root, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _changeable(self, name: str, change: str) -> str:
        """The file of the folder that ``name`` means, which is itself inside the folder."""
        file = self._choose(name) if is_voice_name(name) else None
        if file and self._inside(str(PurePosixPath(file).parent)):
            return file
        if name in (BUNDLED_VOICE, voice_name(BUNDLED_VOICE)):
            raise InvalidRequest(
                "name",
                f"the bundled voice cannot be {change}; a recording of your own that is called"
                f" {voice_name(BUNDLED_VOICE)} takes its place",
            )
        raise self._unknown(name)

    def _writable_path(self, file: str) -> Path:
        """Where ``file`` goes; its folder is made."""
        path = self._root / file
        if self._inside(str(PurePosixPath(file).parent)) is None:
            raise InvalidRequest("name", f"{printable(file)} leads out of the voices folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _unknown(self, name: str) -> UnknownVoice:
        return UnknownVoice(name, [voice_name(file) for file in self.list()])

    def _choose(self, name: str) -> str | None:
        """The file below the root that ``name`` means, by a look at its own folder only."""
        called_so = [file for file in self._beside(name) if name in (file, voice_name(file))]
        return choose_file(name, [file for file in called_so if self._resolve(file)])

    def _of_voice(self, name: str) -> Sequence[str]:
        """All files that stand in the way of a voice called ``name``, sorted."""
        return sorted(
            file
            for file in self._beside(name)
            if is_voice_file(file) and voice_name(file) == name and not (self._root / file).is_dir()
        )

    def _beside(self, name: str) -> set[str]:
        folder = PurePosixPath(name).parent
        try:
            return {str(folder / entry.name) for entry in os.scandir(self._root / folder)}
        except OSError:
            return set()

    def _resolve(self, file: str) -> Path | None:
        """The path inside the root that ``file`` leads to, if something but a folder is there.

        A link to itself and a file in a folder that may not be entered are something: they are
        named as a problem, where a path that leads out or to nothing is no voice.
        """
        try:
            path = self._inside(file)
        except OSError:  # a link that went while it was followed
            return None
        try:
            return path if path and stat.S_ISREG(path.stat().st_mode) else None
        except OSError as error:
            return None if error.errno in _NOTHING_THERE else path

    def _inside(self, file: str) -> Path | None:
        # os.path.realpath ends at a loop of links, where Path.resolve raises (RuntimeError or
        # OSError, by the version of Python)
        path = Path(os.path.realpath(self._root / file))
        return path if path.is_relative_to(os.path.realpath(self._root)) else None

    def _content(self, file: str) -> bytes | None:
        """The bytes of ``file``, or None where it is no voice, or no longer.

        Raises:
            BadReference: it cannot be read, or is too large.
        """
        path = self._resolve(file)
        if path is None:
            return None
        try:
            # NOFOLLOW: a link put there since the path was resolved must not lead out
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as opened:
                status = os.fstat(opened.fileno())
                if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE_BYTES:
                    raise BadReference(f"{file} is no recording of at most 64 MB")
                return opened.read(LARGEST_FILE_BYTES)
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return None
            raise BadReference(f"{file} cannot be read") from error


def _require_free(file: str, taken: Sequence[str]) -> None:
    if taken:
        raise InvalidRequest(
            "name",
            f"there is a voice {printable(voice_name(file))} already, in {', '.join(taken)};"
            " replace it with --replace, or remove it first",
        )


def _publish(path: Path, content: bytes, *, replaces: bool) -> None:
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=".", suffix=".part", delete=False
    ) as aside:
        try:
            aside.write(content)
            aside.flush()
            os.fsync(aside.fileno())
            os.fchmod(aside.fileno(), 0o644)
            if replaces:
                Path(aside.name).replace(path)
            else:
                os.link(aside.name, path)  # fails where another program was quicker
        except FileExistsError as error:
            raise InvalidRequest(
                "name", f"there is a voice {printable(path.name)} already"
            ) from error
        finally:
            Path(aside.name).unlink(missing_ok=True)


@contextmanager
def _own_errors() -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or "an unknown fault"
        raise StorageFailed(f"the voices folder cannot be written ({reason.lower()})") from error
