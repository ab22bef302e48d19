"""What every voice repository promises."""

from abc import ABC, abstractmethod

import pytest

from application.ports.voices import VoiceRepository
from domain.errors import InvalidRequest, UnknownVoice


class VoiceRepositoryContract(ABC):
    @abstractmethod
    def repository(self, files: dict[str, bytes]) -> VoiceRepository:
        """Return a repository with ``files``."""

    def test_finds_a_voice_with_and_without_its_extension(self) -> None:
        voices = self.repository({"alice.wav": b"A", "narrators/bob.mp3": b"B"})

        assert voices.read("alice").content == b"A"
        assert voices.read("alice.wav").file == "alice.wav"
        assert voices.read("narrators/bob").file == "narrators/bob.mp3"
        assert voices.read("narrators/bob.mp3").name == "narrators/bob"

    def test_prefers_the_extensions_in_their_fixed_order(self) -> None:
        voices = self.repository({"a.mp3": b"mp3", "a.flac": b"flac", "a.aac": b"aac"})

        assert voices.read("a").content == b"flac"
        assert voices.read("a.aac").content == b"aac"

    @pytest.mark.parametrize(
        "name",
        ["nobody", "../alice", "/etc/passwd", "a\0.wav", "narrators", "a\\b", "", "n/../alice"],
    )  # fmt: skip
    def test_every_name_that_it_does_not_have_is_the_same_error(self, name: str) -> None:
        voices = self.repository({"alice.wav": b"A", "narrators/bob.mp3": b"B"})

        with pytest.raises(UnknownVoice) as refused:
            voices.read(name)

        assert str(refused.value).startswith(
            f"unknown_voice: there is no voice named {name!r}; available: "
        )

    def test_an_unknown_voice_lists_at_most_twenty_others(self) -> None:
        voices = self.repository({f"v{number:02}.wav": b"" for number in range(30)})

        with pytest.raises(UnknownVoice, match=r"v18.* and \d+ more$") as refused:
            voices.read("nobody")

        assert "v25" not in str(refused.value)

    def test_lists_the_recordings_that_can_be_read(self) -> None:
        voices = self.repository({"b.wav": b"B", "n/a.mp3": b"A", "notes.txt": b"no voice"})

        listed = voices.list()
        assert {"b.wav", "n/a.mp3"} <= set(listed)
        assert "notes.txt" not in listed
        assert list(listed) == sorted(listed)
        assert all(voices.read(file).file == file for file in listed)

    def test_an_added_voice_can_be_read(self) -> None:
        voices = self.repository({})

        voices.add("narrators/carol.wav", b"C")

        assert voices.read("narrators/carol").content == b"C"

    def test_adding_never_replaces(self) -> None:
        voices = self.repository({"alice.wav": b"A"})

        with pytest.raises(InvalidRequest):
            voices.add("alice.wav", b"B")

        assert voices.read("alice").content == b"A"

    @pytest.mark.parametrize("file", ["../x.wav", "/x.wav", "x", "x.txt", "a\0.wav", ".x.wav"])
    def test_refuses_to_add_a_file_that_could_not_be_read(self, file: str) -> None:
        with pytest.raises(InvalidRequest):
            self.repository({}).add(file, b"C")
