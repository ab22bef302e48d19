"""Recordings by their path, for the person whose files they are."""

from collections.abc import Sequence
from pathlib import Path

from adapters.filesystem.files import read_recording, reason
from application.ports.voices import FileVersion, VoiceFile, VoiceReader
from domain.errors import BadReference, UnknownVoice


class RecordingFiles:
    """The voices of ``voices``, and every recording of this machine under its path.

    The name of a voice comes before a path. This class never serves requests from a network: the
    answer to a path shows which files there are.
    """

    def __init__(self, *, voices: VoiceReader) -> None:
        self._voices = voices

    def list(self) -> Sequence[str]:
        """Return the files of ``voices``; recordings by path are not listed."""
        return self._voices.list()

    def read(self, name: str) -> VoiceFile:
        """Implement ``VoiceReader.read``, and read ``name`` as a path where it is no voice.

        Raises:
            BadReference: ``name`` is the path of a file that is no recording.
        """
        try:
            return self._voices.read(name)
        except UnknownVoice:
            if not _is_file(name):
                raise
        path = Path(name)
        try:
            return VoiceFile(
                path.stem, path.name, read_recording(path, name=path.name, follows_link=True)
            )
        except OSError as error:
            raise BadReference(f"{path.name} cannot be read ({reason(error)})") from error

    def version(self, file: str) -> FileVersion | None:
        """Return the version of a file of ``voices``."""
        return self._voices.version(file)


def _is_file(name: str) -> bool:
    path = Path(name)
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # too long, or with characters that no path has
        return False
