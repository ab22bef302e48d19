"""The voices of a folder, and one that is part of the product."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from adapters.filesystem.files import locked, write_errors, write_file
from adapters.filesystem.voices_folder import VoicesFolder
from application.ports.voices import FileVersion, VoiceFile
from domain.errors import InvalidRequest, UnknownVoice, printable
from domain.voice import (
    BUNDLED_VOICE,
    is_voice_file,
    is_voice_name,
    renamed_file,
    shadowed_files,
    voice_name,
)

_BUNDLED_FILE = f"{BUNDLED_VOICE}.ogg"
"""The recording that is always there; a file of that name in the folder replaces it."""


class FilesystemVoices:
    """The recordings below ``root`` (see ``VoicesFolder``), and the bundled voice."""

    def __init__(self, *, root: Path) -> None:
        self._root = root
        self._folder = VoicesFolder(root=root)

    def list(self) -> Sequence[str]:
        """Implement ``VoiceRepository.list``."""
        files = self._files()
        shadowed = shadowed_files(files)
        return [file for file in files if file not in shadowed]

    def shadowed(self) -> Mapping[str, str]:
        """Implement ``VoiceRepository.shadowed``, sorted by file."""
        return dict(sorted(shadowed_files(self._files()).items()))

    def read(self, name: str) -> VoiceFile:
        """Implement ``VoiceRepository.read``.

        Raises:
            UnknownVoice: no voice has this name.
            BadReference: its file cannot be read, or is too large.
        """
        file = self._folder.choose(name)
        content = self._folder.content(file) if file else None
        if file and content is not None:
            return VoiceFile(voice_name(file), file, content)
        if _is_bundled(name):
            bundled = files("adapters.filesystem").joinpath("bundled_voices", _BUNDLED_FILE)
            return VoiceFile(BUNDLED_VOICE, _BUNDLED_FILE, bundled.read_bytes())
        raise self._unknown(name)

    def version(self, file: str) -> FileVersion | None:
        """Implement ``VoiceRepository.version`` with the identity and the times of the file."""
        path = self._folder.resolve(file)
        try:
            status = path.stat() if path else None
        except OSError:
            return None
        if status is None:
            return FileVersion("bundled", 0) if file == _BUNDLED_FILE else None
        etag = f"{status.st_dev}-{status.st_ino}-{status.st_mtime_ns}-{status.st_ctime_ns}"
        return FileVersion(etag, status.st_size)

    def add(self, file: str, content: bytes, *, replaces: bool = False) -> None:
        """Implement ``VoiceRepository.add``.

        Raises:
            InvalidRequest: the name is no voice's, or belongs to a voice and ``replaces`` is false.
            StorageFailed: the folder cannot be written.
        """
        if not is_voice_name(file) or not is_voice_file(file):
            raise InvalidRequest("name", f"{printable(file)} cannot name a recording")
        with write_errors("the voices folder"):
            self._root.mkdir(parents=True, exist_ok=True)
        with self._alone():
            occupied = self._folder.files_of(voice_name(file))
            if not replaces:
                _require_free(file, occupied)
            path = self._writable_path(file)
            try:
                write_file(path, content, replaces=replaces)
            except FileExistsError as error:  # a program without the lock was quicker
                raise InvalidRequest(
                    "name", f"there is a voice {printable(path.name)} already"
                ) from error
            for other in (self._root / file for file in occupied):
                # on a file system that ignores case, another spelling is the new file
                if not other.exists() or not other.samefile(path):
                    other.unlink()

    def remove(self, name: str) -> str:
        """Implement ``VoiceRepository.remove``.

        Raises:
            UnknownVoice: no voice has this name.
            InvalidRequest: it is the bundled voice.
            StorageFailed: the folder cannot be written.
        """
        with self._alone():
            file = self._changeable(name, "removed")
            (self._root / file).unlink()
        return file

    def rename(self, name: str, new_name: str) -> str:
        """Implement ``VoiceRepository.rename``.

        Raises:
            UnknownVoice: no voice is called ``name``.
            InvalidRequest: it is the bundled voice, or ``new_name`` cannot be given to it.
            StorageFailed: the folder cannot be written.
        """
        with self._alone():
            file = self._changeable(name, "renamed")
            new_file = renamed_file(file, new_name)
            _require_free(new_file, self._folder.files_of(voice_name(new_file)))
            path, new_path = self._root / file, self._writable_path(new_file)
            if path.is_symlink() and path.parent != new_path.parent:
                raise InvalidRequest(
                    "name", f"{printable(file)} is a link, and stays in its folder"
                )
            path.rename(new_path)
        return new_file

    def _files(self) -> Sequence[str]:
        found = self._folder.files()
        if any(_is_bundled(voice_name(file)) for file in found):
            return found
        return sorted([*found, _BUNDLED_FILE])

    @contextmanager
    def _alone(self) -> Generator[None, None, None]:
        """Hold the folder's lock, which only changes of names take; map errors of writing."""
        with write_errors("the voices folder"):
            if not self._root.is_dir():
                yield
                return
            with locked(self._root):
                yield

    def _changeable(self, name: str, change: str) -> str:
        """Return the file that ``name`` means, which is itself inside the folder."""
        file = self._folder.choose(name)
        if file and self._folder.is_in_reach(file):
            return file
        if _is_bundled(name):
            raise InvalidRequest(
                "name",
                f"the bundled voice cannot be {change}; a recording of your own that is called"
                f" {BUNDLED_VOICE} takes its place",
            )
        raise self._unknown(name)

    def _writable_path(self, file: str) -> Path:
        """Return where ``file`` is written, and make its folder."""
        if not self._folder.is_in_reach(file):
            raise InvalidRequest("name", f"{printable(file)} leads out of the voices folder")
        path = self._root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _unknown(self, name: str) -> UnknownVoice:
        return UnknownVoice(name, [voice_name(file) for file in self.list()])


def _is_bundled(name: str) -> bool:
    return name in (_BUNDLED_FILE, BUNDLED_VOICE)


def _require_free(file: str, occupied: Sequence[str]) -> None:
    if occupied:
        raise InvalidRequest(
            "name",
            f"there is a voice {printable(voice_name(file))} already, in {', '.join(occupied)};"
            " replace it with --replace, or remove it first",
        )
