"""The recordings that may be cloned, and where they are kept up to date from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FileVersion:
    """What tells a changed file from the one it was, without reading it."""

    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """A recording as it lies in the voices folder: its name, its path there, its bytes."""

    name: str
    file: str
    content: bytes


class VoiceReader(Protocol):
    """The recordings that may be cloned."""

    def list(self) -> Sequence[str]:
        """Return the files of all voices, relative to the folder, sorted, with the bundled voice.

        One file for each name: the one that the name means. Files that ``read`` refuses as a
        ``BadReference`` are among them; nothing is raised.
        """

    def read(self, name: str) -> VoiceFile:
        """Return the recording that ``name`` means, with or without its extension.

        Raises:
            UnknownVoice: no such recording inside the folder, whatever there is outside of it.
            BadReference: it is there and cannot be read, or is too large.
        """

    def version(self, file: str) -> FileVersion | None:
        """Return a version that changes with the content of ``file``; None where it has none.

        Nothing is read but the file's metadata, and nothing is raised.
        """


class VoiceRepository(VoiceReader, Protocol):
    """The recordings that may be cloned, and what an operator does with them."""

    def shadowed(self) -> Mapping[str, str]:
        """Files whose name means another file, each with that other; sorted."""

    def add(self, file: str, content: bytes, *, replaces: bool = False) -> None:
        """Put a recording under ``file``, whole or not at all.

        With ``replaces`` it takes the place of every file of its voice, whatever their endings.

        Raises:
            InvalidRequest: ``file`` is no name for a recording, or its voice exists already.
            StorageFailed: the folder cannot be written.
        """

    def remove(self, name: str) -> str:
        """Remove the recording that ``name`` means, and return its file.

        Raises:
            UnknownVoice: no such recording inside the folder.
            InvalidRequest: ``name`` means the bundled voice.
            StorageFailed: the folder cannot be written.
        """

    def rename(self, name: str, new_name: str) -> str:
        """Give the recording that ``name`` means another name, at once, and return its new file.

        Raises:
            UnknownVoice: no such recording inside the folder.
            InvalidRequest: ``name`` means the bundled voice, or ``new_name`` cannot be used or is
                taken.
            StorageFailed: the folder cannot be written.
        """


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
        """Return the content of that version.

        Raises:
            StorageFailed: it cannot be read, or has changed since.
        """


class VoiceStore(VoiceSource, Protocol):
    """A place that the voices folder is kept up to date with, and that can be changed."""

    def write(self, file: str, content: bytes, *, replaces: bool) -> RemoteFile:
        """Put ``content`` there as ``file``, whole or not at all, and return its version.

        Raises:
            Conflict: there is such a file, and ``replaces`` is false.
            StorageFailed: the place cannot be reached or written.
        """

    def remove(self, file: str) -> None:
        """Remove ``file``, which need not be there.

        Raises:
            StorageFailed: the place cannot be reached or changed.
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

    def remove(self, file: str) -> None:
        """Remove ``file``, which is one of ``versions``.

        Raises:
            StorageFailed: the folder cannot be written.
        """

    def remember(self, remote: RemoteFile) -> None:
        """Take the file that is here for that version, which came another way.

        Raises:
            StorageFailed: the folder cannot be written.
        """
