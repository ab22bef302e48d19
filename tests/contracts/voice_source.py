"""What every voice source promises."""

from abc import ABC, abstractmethod

import pytest

from application.ports.voices import FileVersion, RemoteFile, VoiceSource
from domain.errors import StorageFailed


def version_of(source: VoiceSource, file: str) -> FileVersion:
    (version,) = (remote.version for remote in source.list() if remote.file == file)
    return version


class VoiceSourceContract(ABC):
    @pytest.fixture
    @abstractmethod
    def source(self) -> VoiceSource:
        """A source without files."""

    @abstractmethod
    def write(self, source: VoiceSource, file: str, content: bytes) -> None:
        """Put ``content`` into the source as ``file``, whatever is there."""

    @abstractmethod
    def remove(self, source: VoiceSource, file: str) -> None:
        """Remove ``file`` from the source."""

    @abstractmethod
    def disconnect(self, source: VoiceSource) -> None:
        """Make every later request to the source fail."""

    def test_an_empty_source_lists_nothing(self, source: VoiceSource) -> None:
        assert list(source.list()) == []

    def test_lists_all_files_of_whatever_name(self, source: VoiceSource) -> None:
        files = {"alice.wav", "narrators/bob ü.mp3", "notes.txt", ".hidden.wav"}
        for file in files:
            self.write(source, file, b"content")

        assert {remote.file for remote in source.list()} == files

    def test_lists_the_size_of_each_file(self, source: VoiceSource) -> None:
        self.write(source, "alice.wav", b"seven b")
        self.write(source, "empty.wav", b"")

        assert version_of(source, "alice.wav").size_bytes == 7
        assert version_of(source, "empty.wav").size_bytes == 0

    def test_reads_the_files_that_it_lists(self, source: VoiceSource) -> None:
        contents = {"alice.wav": b"A", "narrators/bob ü.mp3": b"B"}
        for file, content in contents.items():
            self.write(source, file, content)

        assert {remote.file: source.read(remote) for remote in source.list()} == contents

    def test_a_file_that_stays_as_it_is_keeps_its_version(self, source: VoiceSource) -> None:
        self.write(source, "alice.wav", b"A")
        before = version_of(source, "alice.wav")
        self.write(source, "bob.wav", b"B")

        assert version_of(source, "alice.wav") == before

    def test_a_file_that_changes_has_another_version(self, source: VoiceSource) -> None:
        self.write(source, "alice.wav", b"old")
        before = version_of(source, "alice.wav")
        self.write(source, "alice.wav", b"new")

        assert version_of(source, "alice.wav") != before

    def test_refuses_to_read_a_version_that_was_replaced(self, source: VoiceSource) -> None:
        self.write(source, "alice.wav", b"old")
        (listed,) = source.list()
        self.write(source, "alice.wav", b"new")

        with pytest.raises(StorageFailed):
            source.read(listed)

    def test_refuses_to_read_a_file_that_was_removed(self, source: VoiceSource) -> None:
        self.write(source, "alice.wav", b"A")
        (listed,) = source.list()
        self.remove(source, "alice.wav")

        with pytest.raises(StorageFailed):
            source.read(listed)

    def test_refuses_to_read_a_file_that_was_never_there(self, source: VoiceSource) -> None:
        with pytest.raises(StorageFailed):
            source.read(RemoteFile("nobody.wav", FileVersion("etag", 1)))

    def test_a_source_that_cannot_be_reached_is_a_storage_failure(
        self, source: VoiceSource
    ) -> None:
        self.write(source, "alice.wav", b"A")
        (listed,) = source.list()
        self.disconnect(source)

        with pytest.raises(StorageFailed):
            source.list()
        with pytest.raises(StorageFailed):
            source.read(listed)
