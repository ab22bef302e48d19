"""What every voice mirror promises."""

from abc import ABC, abstractmethod

import pytest

from application.ports.voices import FileVersion, RemoteFile, VoiceMirror
from domain.errors import StorageFailed


def replace(mirror: VoiceMirror, file: str, content: bytes, *, etag: str = "etag") -> FileVersion:
    """Put ``content`` into the mirror and return the version that it should have there."""
    version = FileVersion(etag, len(content))
    mirror.replace(RemoteFile(file, version), content)
    return version


class VoiceMirrorContract(ABC):
    @pytest.fixture
    @abstractmethod
    def mirror(self) -> VoiceMirror:
        """A mirror without files."""

    @abstractmethod
    def content_at(self, mirror: VoiceMirror, file: str) -> bytes | None:
        """Return what is in the folder as ``file``; None if nothing is."""

    @abstractmethod
    def write(self, mirror: VoiceMirror, file: str, content: bytes) -> None:
        """Put ``content`` into the folder as ``file`` without the mirror."""

    @abstractmethod
    def remove(self, mirror: VoiceMirror, file: str) -> None:
        """Remove ``file`` from the folder without the mirror."""

    @abstractmethod
    def make_unwritable(self, mirror: VoiceMirror) -> None:
        """Make every later write to the folder fail."""

    def test_an_empty_mirror_has_no_versions(self, mirror: VoiceMirror) -> None:
        assert dict(mirror.versions()) == {}

    def test_keeps_the_content_and_the_version_of_each_file(self, mirror: VoiceMirror) -> None:
        alice = replace(mirror, "alice.wav", b"A", etag="1")
        bob = replace(mirror, "narrators/bob ü.mp3", b"BB", etag="2")

        assert self.content_at(mirror, "alice.wav") == b"A"
        assert self.content_at(mirror, "narrators/bob ü.mp3") == b"BB"
        assert dict(mirror.versions()) == {"alice.wav": alice, "narrators/bob ü.mp3": bob}

    def test_a_replaced_file_has_its_new_content_and_version(self, mirror: VoiceMirror) -> None:
        replace(mirror, "alice.wav", b"a long first recording", etag="1")
        second = replace(mirror, "alice.wav", b"second", etag="2")

        assert self.content_at(mirror, "alice.wav") == b"second"
        assert dict(mirror.versions()) == {"alice.wav": second}

    def test_names_no_file_that_came_another_way(self, mirror: VoiceMirror) -> None:
        self.write(mirror, "mine.wav", b"mine")
        alice = replace(mirror, "alice.wav", b"A")

        assert dict(mirror.versions()) == {"alice.wav": alice}
        assert self.content_at(mirror, "mine.wav") == b"mine"

    def test_replaces_a_file_that_came_another_way(self, mirror: VoiceMirror) -> None:
        self.write(mirror, "alice.wav", b"mine")
        version = replace(mirror, "alice.wav", b"theirs")

        assert self.content_at(mirror, "alice.wav") == b"theirs"
        assert dict(mirror.versions()) == {"alice.wav": version}

    def test_remembers_the_version_of_a_file_that_came_another_way(
        self, mirror: VoiceMirror
    ) -> None:
        replace(mirror, "alice.wav", b"old", etag="1")
        self.write(mirror, "alice.wav", b"new")
        mirror.remember(RemoteFile("alice.wav", FileVersion("2", 3)))

        assert dict(mirror.versions()) == {"alice.wav": FileVersion("2", 3)}
        assert self.content_at(mirror, "alice.wav") == b"new"

    def test_a_file_that_it_removed_is_not_in_the_folder(self, mirror: VoiceMirror) -> None:
        replace(mirror, "n/alice.wav", b"A")
        bob = replace(mirror, "n/bob.wav", b"B")

        mirror.remove("n/alice.wav")

        assert self.content_at(mirror, "n/alice.wav") is None
        assert dict(mirror.versions()) == {"n/bob.wav": bob}

    def test_names_no_file_that_was_removed(self, mirror: VoiceMirror) -> None:
        replace(mirror, "alice.wav", b"A")
        bob = replace(mirror, "bob.wav", b"B")
        self.remove(mirror, "alice.wav")

        assert dict(mirror.versions()) == {"bob.wav": bob}

    @pytest.mark.parametrize("file", ["../x.wav", "a/../../x.wav", "/x.wav"])
    def test_refuses_a_name_that_leads_out_of_the_folder(
        self, mirror: VoiceMirror, file: str
    ) -> None:
        with pytest.raises(StorageFailed, match="leads out of the voices folder"):
            replace(mirror, file, b"planted")

        assert self.content_at(mirror, file) is None
        assert dict(mirror.versions()) == {}

    def test_a_folder_that_cannot_be_written_is_a_storage_failure(
        self, mirror: VoiceMirror
    ) -> None:
        self.make_unwritable(mirror)

        with pytest.raises(StorageFailed, match="voices folder cannot be written"):
            replace(mirror, "alice.wav", b"A")
        with pytest.raises(StorageFailed, match="voices folder cannot be written"):
            mirror.remember(RemoteFile("alice.wav", FileVersion("etag", 1)))

        assert dict(mirror.versions()) == {}
