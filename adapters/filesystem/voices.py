"""Recordings in a folder, and one that ships with the product."""

import os
import stat
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path, PurePosixPath

from application.ports.voices import VoiceFile
from domain.errors import BadReference, InvalidRequest, StorageFailed, UnknownVoice, printable
from domain.voice import (
    LARGEST_FILE_BYTES,
    choose_file,
    is_voice_file,
    is_voice_name,
    voice_name,
)

BUNDLED_VOICE = "default.ogg"
"""The recording that is always there; a file of that name in the folder takes its place."""


class FilesystemVoices:
    """The recordings below ``root``; a folder that does not exist holds none.

    Hidden files are no voices. A link counts as what it leads to, if that is inside ``root``.
    """

    def __init__(self, *, root: Path) -> None:
        self._root = root

    def list(self) -> Sequence[str]:
        found = {BUNDLED_VOICE}
        for folder, _, names in os.walk(self._root):
            inside = PurePosixPath(os.path.relpath(folder, self._root))
            found.update(
                file
                for name in names
                if is_voice_file(name)
                and is_voice_name(file := str(inside / name))
                and self._resolve(file)
            )
        return sorted(found)

    def read(self, name: str) -> VoiceFile:
        file = self._choose(name) if is_voice_name(name) else None
        path = self._resolve(file) if file else None
        if file and path:
            return VoiceFile(voice_name(file), file, _content(path, file))
        if name in (BUNDLED_VOICE, voice_name(BUNDLED_VOICE)):
            bundled = files("adapters.filesystem").joinpath("bundled_voices", BUNDLED_VOICE)
            return VoiceFile(voice_name(BUNDLED_VOICE), BUNDLED_VOICE, bundled.read_bytes())
        raise UnknownVoice(name, [voice_name(file) for file in self.list()])

    def add(self, file: str, content: bytes) -> None:
        if not is_voice_name(file) or not is_voice_file(file):
            raise InvalidRequest("name", f"{printable(file)} cannot name a recording")
        path = self._root / file
        with _own_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.parent.resolve().is_relative_to(self._root.resolve()):
                raise InvalidRequest("name", f"{printable(file)} leads out of the voices folder")
            _publish(path, content)

    def _choose(self, name: str) -> str | None:
        """The file below the root that ``name`` means, by a look at its own folder only."""
        folder = PurePosixPath(name).parent
        try:
            beside = {str(folder / entry.name) for entry in os.scandir(self._root / folder)}
        except OSError:
            return None
        return choose_file(name, beside)

    def _resolve(self, file: str) -> Path | None:
        """The regular file inside the root that ``file`` leads to."""
        path = (self._root / file).resolve()
        is_inside = path.is_relative_to(self._root.resolve())
        return path if is_inside and path.is_file() else None


def _content(path: Path, file: str) -> bytes:
    try:
        # NOFOLLOW: a link put there since the path was resolved must not lead out
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE_BYTES:
                raise BadReference(f"{file} is no recording of at most 64 MB")
            return opened.read()
    except OSError as error:
        raise BadReference(f"{file} cannot be read") from error


def _publish(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part") as aside:
        aside.write(content)
        aside.flush()
        os.fsync(aside.fileno())
        os.fchmod(aside.fileno(), 0o644)
        try:
            os.link(aside.name, path)
        except FileExistsError as error:
            raise InvalidRequest(
                "name", f"there is a voice {printable(path.name)} already"
            ) from error


@contextmanager
def _own_errors() -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or "an unknown fault"
        raise StorageFailed(f"the voices folder cannot be written ({reason.lower()})") from error
