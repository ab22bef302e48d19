"""Recordings by their path, for the person whose files they are."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from application.ports.voices import FileVersion, VoiceFile, VoiceReader
from domain.errors import BadReference, UnknownVoice
from domain.recording_limits import LARGEST_FILE_BYTES


class RecordingFiles:
    """The voices of ``voices``, and every recording of this machine under its path.

    A name of a voice wins over a path. Never for requests that come over a network: a path tells
    what files there are.
    """

    def __init__(self, *, voices: VoiceReader) -> None:
        self._voices = voices

    def list(self) -> Sequence[str]:
        return self._voices.list()

    def read(self, name: str) -> VoiceFile:
        """The port's promise.

        Raises:
            BadReference: ``name`` is the path of a file that is no recording.
        """
        try:
            return self._voices.read(name)
        except UnknownVoice:
            if not _is_file(name):
                raise
        path = Path(name)
        return VoiceFile(path.stem, path.name, _content(path))

    def version(self, file: str) -> FileVersion | None:
        return self._voices.version(file)


def _is_file(name: str) -> bool:
    path = Path(name)
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # too long, or with characters that no path has
        return False


def _content(path: Path) -> bytes:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE_BYTES:
                raise BadReference(f"{path.name} is no recording of at most 64 MB")
            return opened.read()
    except OSError as error:
        reason = (error.strerror or "an unknown fault").lower()
        raise BadReference(f"{path.name} cannot be read ({reason})") from error
