"""A voice repository in memory."""

from collections.abc import Sequence

from application.ports.voices import VoiceFile
from domain.errors import InvalidRequest, UnknownVoice
from domain.voice import choose_file, is_voice_file, is_voice_name, voice_name


class MemoryVoices:
    """The recordings in ``files``, by their path in the folder."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def list(self) -> Sequence[str]:
        return sorted(file for file in self.files if is_voice_file(file))

    def read(self, name: str) -> VoiceFile:
        file = choose_file(name, self.files) if is_voice_name(name) else None
        if file is None:
            raise UnknownVoice(name, [voice_name(known) for known in self.list()])
        return VoiceFile(voice_name(file), file, self.files[file])

    def add(self, file: str, content: bytes) -> None:
        if not is_voice_name(file) or not is_voice_file(file) or file in self.files:
            raise InvalidRequest("name", f"{file!r} cannot name a new recording")
        self.files[file] = content
