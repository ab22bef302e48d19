"""The files of a voices folder, and which of them a name means."""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from adapters.filesystem.files import path_inside, read_recording
from domain.errors import BadReference
from domain.voice import choose_file, is_voice_file, is_voice_name, voice_name

_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


class VoicesFolder:
    """The recordings below ``root``; a folder that does not exist holds none.

    Files are named by their path below ``root``, with slashes. Hidden files are no voices. A link
    stands for the file that it leads to, if that is inside ``root``.
    """

    def __init__(self, *, root: Path) -> None:
        self.root = root

    def files(self) -> Sequence[str]:
        """Return every recording, sorted."""
        found: set[str] = set()
        for folder, _, names in os.walk(self.root):
            inside = PurePosixPath(os.path.relpath(folder, self.root))
            found.update(
                file
                for name in names
                if is_voice_file(name)
                and is_voice_name(file := str(inside / name))
                and self.resolve(file)
            )
        return sorted(found)

    def choose(self, name: str) -> str | None:
        """Return the file that ``name`` means, or None; only the folder of that name is read."""
        if not is_voice_name(name):
            return None
        candidates = [file for file in self._beside(name) if name in (file, voice_name(file))]
        return choose_file(name, [file for file in candidates if self.resolve(file)])

    def files_of(self, voice: str) -> Sequence[str]:
        """Return all files and broken links that occupy the name ``voice``, sorted."""
        return sorted(
            file
            for file in self._beside(voice)
            if is_voice_file(file) and voice_name(file) == voice and not (self.root / file).is_dir()
        )

    def is_in_reach(self, file: str) -> bool:
        """Return whether the folder of ``file`` is inside ``root``, all links followed."""
        return path_inside(self.root, str(PurePosixPath(file).parent)) is not None

    def resolve(self, file: str) -> Path | None:
        """Return the path that ``file`` leads to, or None where it is no voice.

        A path that leads out of ``root``, to a folder or to nothing is no voice. The path of a link
        to itself, or of a file in a folder that may not be entered, is returned: the caller reports
        it when it reads the file.
        """
        try:
            path = path_inside(self.root, file)
        except OSError:  # a link was removed while it was followed
            return None
        try:
            return path if path and stat.S_ISREG(path.stat().st_mode) else None
        except OSError as error:
            return None if error.errno in _NOTHING_THERE else path

    def content(self, file: str) -> bytes | None:
        """Return the bytes of ``file``, or None where it is no voice, or was removed.

        Raises:
            BadReference: it cannot be read, or is too large.
        """
        path = self.resolve(file)
        if path is None:
            return None
        try:
            # A link that was put there since the path was resolved must not lead out.
            return read_recording(path, name=file, follows_link=False)
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return None
            raise BadReference(f"{file} cannot be read") from error

    def _beside(self, name: str) -> set[str]:
        folder = PurePosixPath(name).parent
        try:
            return {str(folder / entry.name) for entry in os.scandir(self.root / folder)}
        except OSError:
            return set()
