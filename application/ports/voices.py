"""The recordings that may be cloned, and where they are kept up to date from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """A recording as it lies in the voices folder: its name, its path there, its bytes."""

    name: str
    file: str
    content: bytes


class VoiceRepository(Protocol):
    """The recordings that may be cloned."""

    def list(self) -> Sequence[str]:
        """The files of all voices, relative to the folder, sorted; the bundled voice among them."""

    def read(self, name: str) -> VoiceFile:
        """The recording that ``name`` means, with or without its extension.

        Raises:
            UnknownVoice: no such recording inside the folder, whatever there is outside of it.
        """

    def add(self, file: str, content: bytes) -> None:
        """Put a recording under ``file``, whole or not at all.

        Raises:
            InvalidRequest: ``file`` is no name for a recording, or is taken.
            StorageFailed: the folder cannot be written.
        """


@dataclass(frozen=True, slots=True)
class FileVersion:
    """What tells a changed file from the one it was, without reading it."""

    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file elsewhere: its path below the place that is watched, and its version."""

    file: str
    version: FileVersion


class VoiceSource(Protocol):
    """The place that the voices folder is kept up to date with."""

    def list(self) -> Sequence[RemoteFile]:
        """All files there, of whatever name.

        Raises:
            StorageFailed: the place cannot be reached or read.
        """

    def read(self, remote: RemoteFile) -> bytes:
        """The content of that version.

        Raises:
            StorageFailed: it cannot be read, or has changed since.
        """


class VoiceMirror(Protocol):
    """The voices folder, as a copy of a ``VoiceSource``."""

    def versions(self) -> Mapping[str, FileVersion]:
        """Which version of each file is here; files that came another way are not named."""

    def replace(self, remote: RemoteFile, content: bytes) -> None:
        """Put ``content`` in the place of what is there, whole or not at all, and remember it.

        Raises:
            StorageFailed: the folder cannot be written, or the name leads out of it.
        """
