"""What every voice store promises beyond a voice source."""

from abc import abstractmethod

import pytest

from application.ports.voices import VoiceStore
from domain.errors import Conflict, StorageFailed
from tests.contracts.voice_source import VoiceSourceContract


class VoiceStoreContract(VoiceSourceContract):
    @pytest.fixture
    @abstractmethod
    def source(self) -> VoiceStore:
        """A store without files."""

    def test_a_written_file_is_listed_in_the_version_that_writing_it_returned(
        self, source: VoiceStore
    ) -> None:
        written = source.write("narrators/bob ü.mp3", b"B", replaces=False)

        assert list(source.list()) == [written]
        assert source.read(written) == b"B"

    def test_replaces_a_file_only_where_it_may(self, source: VoiceStore) -> None:
        first = source.write("alice.wav", b"old", replaces=True)
        with pytest.raises(Conflict):
            source.write("alice.wav", b"new", replaces=False)
        assert source.read(first) == b"old"

        second = source.write("alice.wav", b"new", replaces=True)

        assert second.version != first.version
        assert source.read(second) == b"new"

    def test_a_removed_file_is_not_listed(self, source: VoiceStore) -> None:
        source.write("alice.wav", b"A", replaces=False)
        bob = source.write("bob.wav", b"B", replaces=False)

        source.remove("alice.wav")
        source.remove("alice.wav")

        assert list(source.list()) == [bob]

    def test_a_store_that_cannot_be_reached_is_a_storage_failure(self, source: VoiceStore) -> None:
        self.disconnect(source)

        for replaces in (False, True):
            with pytest.raises(StorageFailed):
                source.write("alice.wav", b"A", replaces=replaces)
        with pytest.raises(StorageFailed):
            source.remove("alice.wav")
