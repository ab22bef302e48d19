"""What every reader of voices promises, and every repository of voices beyond that."""

from abc import ABC, abstractmethod

import pytest

from application.ports.voices import VoiceReader, VoiceRepository
from domain.errors import InvalidRequest, UnknownVoice


class VoiceReaderContract(ABC):
    @abstractmethod
    def reader(self, files: dict[str, bytes]) -> VoiceReader:
        """Return a reader of ``files``."""

    def test_finds_a_voice_with_and_without_its_extension(self) -> None:
        voices = self.reader({"alice.wav": b"A", "narrators/bob.mp3": b"B"})

        assert voices.read("alice").content == b"A"
        assert voices.read("alice.wav").file == "alice.wav"
        assert voices.read("narrators/bob").file == "narrators/bob.mp3"
        assert voices.read("narrators/bob.mp3").name == "narrators/bob"

    def test_prefers_the_extensions_in_their_fixed_order(self) -> None:
        voices = self.reader({"a.mp3": b"mp3", "a.flac": b"flac", "a.aac": b"aac"})

        assert voices.read("a").content == b"flac"
        assert voices.read("a.aac").content == b"aac"

    @pytest.mark.parametrize(
        "name",
        ["nobody", "../alice", "/etc/passwd", "a\0.wav", "narrators", "a\\b", "", "n/../alice"],
    )  # fmt: skip
    def test_every_name_that_it_does_not_have_is_the_same_error(self, name: str) -> None:
        voices = self.reader({"alice.wav": b"A", "narrators/bob.mp3": b"B"})

        with pytest.raises(UnknownVoice) as refused:
            voices.read(name)

        assert str(refused.value).startswith(
            f"unknown_voice: there is no voice named {name!r}; available: "
        )

    def test_an_unknown_voice_lists_at_most_twenty_others(self) -> None:
        voices = self.reader({f"v{number:02}.wav": b"" for number in range(30)})

        with pytest.raises(UnknownVoice, match=r"v18.* and \d+ more$") as refused:
            voices.read("nobody")

        assert "v25" not in str(refused.value)

    def test_lists_the_recordings_that_can_be_read(self) -> None:
        voices = self.reader({"b.wav": b"B", "n/a.mp3": b"A", "notes.txt": b"no voice"})

        listed = voices.list()
        assert {"b.wav", "n/a.mp3"} <= set(listed)
        assert "notes.txt" not in listed
        assert list(listed) == sorted(listed)
        assert all(voices.read(file).file == file for file in listed)

    def test_an_unknown_voice_is_told_the_nearest_names_first(self) -> None:
        voices = self.reader({f"v{number:02}.wav": b"" for number in range(30)} | {"zoe.wav": b""})

        with pytest.raises(UnknownVoice, match="named 'zoé'; available: zoe, "):
            voices.read("zoé")


class VoiceRepositoryContract(VoiceReaderContract):
    @abstractmethod
    def repository(self, files: dict[str, bytes]) -> VoiceRepository:
        """Return a repository with ``files``."""

    def reader(self, files: dict[str, bytes]) -> VoiceReader:
        return self.repository(files)

    def test_lists_one_file_for_each_name_and_tells_the_others(self) -> None:
        voices = self.repository({"n/a.mp3": b"", "n/a.flac": b"", "n/a.aac": b"", "a.ogg": b""})

        assert [file for file in voices.list() if file != "default.ogg"] == ["a.ogg", "n/a.flac"]
        assert voices.shadowed() == {"n/a.aac": "n/a.flac", "n/a.mp3": "n/a.flac"}

    def test_an_added_voice_can_be_read(self) -> None:
        voices = self.repository({})

        voices.add("narrators/carol.wav", b"C")

        assert voices.read("narrators/carol").content == b"C"

    def test_adding_never_replaces(self) -> None:
        voices = self.repository({"alice.wav": b"A"})

        with pytest.raises(InvalidRequest):
            voices.add("alice.wav", b"B")

        assert voices.read("alice").content == b"A"

    def test_a_name_that_exists_with_another_ending_is_taken(self) -> None:
        voices = self.repository({"n/alice.wav": b"A"})

        with pytest.raises(InvalidRequest, match=r"n/alice\.wav"):
            voices.add("n/alice.mp3", b"B")

        assert [file for file in voices.list() if file != "default.ogg"] == ["n/alice.wav"]

    def test_a_replacing_voice_takes_the_place_of_every_file_of_its_name(self) -> None:
        voices = self.repository({"alice.wav": b"A", "alice.ogg": b"B", "bob.wav": b"C"})

        voices.add("alice.mp3", b"D", replaces=True)
        voices.add("bob.wav", b"E", replaces=True)
        voices.add("carol.wav", b"F", replaces=True)

        assert voices.read("alice").file == "alice.mp3"
        assert (voices.read("alice").content, voices.read("bob").content) == (b"D", b"E")
        assert voices.read("carol").content == b"F"
        assert voices.shadowed() == {}

    def test_a_removed_voice_is_unknown(self) -> None:
        voices = self.repository({"n/alice.wav": b"A", "bob.wav": b"B"})

        assert voices.remove("n/alice") == "n/alice.wav"

        with pytest.raises(UnknownVoice):
            voices.read("n/alice")
        assert voices.read("bob").content == b"B"

    def test_removing_takes_the_file_that_the_name_means(self) -> None:
        voices = self.repository({"a.wav": b"wav", "a.mp3": b"mp3", "a.ogg": b"ogg"})

        assert voices.remove("a.ogg") == "a.ogg"
        assert voices.remove("a") == "a.wav"

        assert voices.read("a").content == b"mp3"

    def test_a_renamed_voice_keeps_its_recording_and_its_ending(self) -> None:
        voices = self.repository({"alice.flac": b"A"})

        assert voices.rename("alice", "narrators/v1.2") == "narrators/v1.2.flac"
        assert voices.rename("narrators/v1.2", "carol.flac") == "carol.flac"

        assert voices.read("carol").content == b"A"
        assert [file for file in voices.list() if file != "default.ogg"] == ["carol.flac"]

    @pytest.mark.parametrize(
        "name",
        ["bob", "bob.wav", "alice", "alice.mp3", "../x", "/x", "a\0", ".x", "", "a/../b", "a\\b"],
    )  # fmt: skip
    def test_a_name_that_is_taken_or_none_leaves_a_voice_as_it_is(self, name: str) -> None:
        voices = self.repository({"alice.wav": b"A", "bob.ogg": b"B"})

        with pytest.raises(InvalidRequest):
            voices.rename("alice", name)

        assert voices.read("alice").content == b"A"
        assert voices.read("bob").content == b"B"

    @pytest.mark.parametrize("name", ["nobody", "../alice", "/etc/passwd", "a\0.wav", "notes.txt"])
    def test_what_is_no_voice_can_be_neither_removed_nor_renamed(self, name: str) -> None:
        voices = self.repository({"alice.wav": b"A", "notes.txt": b"no voice"})

        with pytest.raises(UnknownVoice):
            voices.remove(name)
        with pytest.raises(UnknownVoice):
            voices.rename(name, "bob")

    @pytest.mark.parametrize("file", ["../x.wav", "/x.wav", "x", "x.txt", "a\0.wav", ".x.wav"])
    def test_refuses_to_add_a_file_that_could_not_be_read(self, file: str) -> None:
        with pytest.raises(InvalidRequest):
            self.repository({}).add(file, b"C")
