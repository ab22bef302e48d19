"""Voices that clients add and remove, each with all its recordings."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from application.ports.voices import VoiceRepository
from domain.errors import Conflict, InvalidRequest, UnknownVoice, printable
from domain.voice import voice_name


class VoiceLibrary(Protocol):
    """The voices as clients change them, wherever their recordings are kept."""

    def add(self, file: str, content: bytes, *, replaces: bool = False) -> None:
        """Keep a recording as ``file``; its voice has no other recording afterwards.

        Raises:
            InvalidRequest: ``file`` cannot name a recording.
            Conflict: its voice exists already, and ``replaces`` is false.
            StorageFailed: it cannot be kept.
        """

    def remove(self, name: str) -> str:
        """Remove every recording of the voice that ``name`` means; return the voice's name.

        Raises:
            UnknownVoice: there is none.
            InvalidRequest: ``name`` means the bundled voice.
            StorageFailed: a recording cannot be removed.
        """


class FolderLibrary:
    """The voices of the voices folder alone."""

    def __init__(self, *, folder: VoiceRepository) -> None:
        self._folder = folder

    def add(self, file: str, content: bytes, *, replaces: bool = False) -> None:
        """Implement ``VoiceLibrary.add``."""
        try:
            self._folder.add(file, content, replaces=replaces)
        except InvalidRequest as error:
            if not replaces and recordings_of(voice_name(file), self._folder):
                raise voice_exists(voice_name(file)) from error
            raise

    def remove(self, name: str) -> str:
        """Implement ``VoiceLibrary.remove``."""
        voice = voice_name(self._folder.remove(name))
        remove_recordings(voice, self._folder)
        return voice


def recordings_in(folder: VoiceRepository) -> Sequence[str]:
    """Return the files of all voices in ``folder``, those included that no name means."""
    return [*folder.list(), *folder.shadowed()]


def recordings_of(voice: str, folder: VoiceRepository) -> Sequence[str]:
    """Return the files of ``voice`` in ``folder``."""
    return [file for file in recordings_in(folder) if voice_name(file) == voice]


def remove_recordings(voice: str, folder: VoiceRepository) -> None:
    """Remove the files of ``voice`` from ``folder``; the bundled voice stays.

    Raises:
        StorageFailed: the folder cannot be written.
    """
    for file in recordings_of(voice, folder):
        with suppress(UnknownVoice, InvalidRequest):  # removed meanwhile, or bundled
            folder.remove(file)


def voice_exists(voice: str) -> Conflict:
    """Return the error of adding ``voice`` once more."""
    return Conflict(f"{printable(voice)} is a voice already")
