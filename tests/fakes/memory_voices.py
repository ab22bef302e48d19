"""A voice repository in memory."""

import hashlib
from collections.abc import Mapping, Sequence

from application.ports.voices import FileVersion, VoiceFile
from domain.errors import InvalidRequest, UnknownVoice
from domain.voice import (
    choose_file,
    is_voice_file,
    is_voice_name,
    renamed_file,
    shadowed_files,
    voice_name,
)


class MemoryVoices:
    """The recordings in ``files``, by their path in the folder."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def list(self) -> Sequence[str]:
        return sorted(set(filter(is_voice_file, self.files)) - set(self.shadowed()))

    def shadowed(self) -> Mapping[str, str]:
        return dict(sorted(shadowed_files(self.files).items()))

    def read(self, name: str) -> VoiceFile:
        file = self._file_of(name)
        return VoiceFile(voice_name(file), file, self.files[file])

    def add(self, file: str, content: bytes, *, replaces: bool = False) -> None:
        if not is_voice_name(file) or not is_voice_file(file):
            raise InvalidRequest("name", f"{file!r} cannot name a recording")
        taken = self._of_voice(voice_name(file))
        if taken and not replaces:
            raise InvalidRequest("name", f"there is a voice of this name, in {taken[0]}")
        for other in taken:
            del self.files[other]
        self.files[file] = content

    def remove(self, name: str) -> str:
        file = self._file_of(name)
        del self.files[file]
        return file

    def rename(self, name: str, new_name: str) -> str:
        file = self._file_of(name)
        new_file = renamed_file(file, new_name)
        if taken := self._of_voice(voice_name(new_file)):
            raise InvalidRequest("name", f"there is a voice of this name, in {taken[0]}")
        self.files[new_file] = self.files.pop(file)
        return new_file

    def _file_of(self, name: str) -> str:
        file = choose_file(name, self.files) if is_voice_name(name) else None
        if file is None:
            raise UnknownVoice(name, [voice_name(known) for known in self.list()])
        return file

    def version(self, file: str) -> FileVersion | None:
        content = self.files.get(file)
        if content is None:
            return None
        return FileVersion(hashlib.sha256(content).hexdigest(), len(content))

    def _of_voice(self, name: str) -> Sequence[str]:
        return [file for file in self.files if is_voice_file(file) and voice_name(file) == name]
