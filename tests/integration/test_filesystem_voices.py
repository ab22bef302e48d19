import os
from pathlib import Path

import pytest

from adapters.filesystem.voices import FilesystemVoices
from application.ports.voices import VoiceRepository
from domain.errors import BadReference, InvalidRequest, StorageFailed, UnknownVoice
from tests.contracts.voice_repository import VoiceRepositoryContract


class TestFilesystemVoices(VoiceRepositoryContract):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> Path:
        self.root = tmp_path / "voices"
        (tmp_path / "alice.wav").write_bytes(b"outside")
        return self.root

    def repository(self, files: dict[str, bytes]) -> VoiceRepository:
        for file, content in files.items():
            path = self.root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return FilesystemVoices(root=self.root)

    def test_has_its_bundled_voice_where_there_is_no_folder(self) -> None:
        voices = FilesystemVoices(root=self.root / "missing")

        assert voices.list() == ["default.ogg"]
        assert voices.read("default").content[:4] == b"OggS"
        assert voices.read("default.ogg").file == "default.ogg"

    def test_a_voice_of_ones_own_takes_the_place_of_the_bundled_one(self) -> None:
        voices = self.repository({"default.wav": b"mine"})

        assert voices.read("default").content == b"mine"

    def test_a_link_that_leads_out_is_no_voice(self, tmp_path: Path) -> None:
        voices = self.repository({"bob.wav": b"B"})
        (self.root / "alice.wav").symlink_to(tmp_path / "alice.wav")
        (self.root / "all").symlink_to(tmp_path)
        (self.root / "gone.wav").symlink_to(tmp_path / "nothing.wav")

        messages = set()
        for name in ("alice", "alice.wav", "all/alice", "gone", "never"):
            with pytest.raises(UnknownVoice) as refused:
                voices.read(name)
            messages.add(str(refused.value).replace(repr(name), "NAME"))

        assert messages == {"unknown_voice: there is no voice named NAME; available: bob, default"}
        assert voices.list() == ["bob.wav", "default.ogg"]

    def test_a_link_inside_the_folder_is_a_voice(self) -> None:
        voices = self.repository({"bob.wav": b"B"})
        (self.root / "robert.wav").symlink_to(self.root / "bob.wav")

        assert voices.read("robert").content == b"B"

    def test_the_folder_itself_may_be_a_link(self, tmp_path: Path) -> None:
        self.repository({"bob.wav": b"B"})
        (tmp_path / "link").symlink_to(self.root)

        assert FilesystemVoices(root=tmp_path / "link").read("bob").content == b"B"

    def test_a_pipe_or_a_folder_is_no_voice(self) -> None:
        voices = self.repository({"bob.wav": b"B"})
        os.mkfifo(self.root / "pipe.wav")
        (self.root / "folder.wav").mkdir()

        for name in ("pipe", "folder", "folder.wav"):
            with pytest.raises(UnknownVoice):
                voices.read(name)

    def test_a_replaced_file_is_read_anew(self) -> None:
        voices = self.repository({"bob.wav": b"old"})
        assert voices.read("bob").content == b"old"

        (self.root / "bob.wav").write_bytes(b"new")

        assert voices.read("bob").content == b"new"

    def test_a_file_too_large_for_a_recording_is_refused_unread(self) -> None:
        voices = self.repository({})
        self.root.mkdir()
        with (self.root / "huge.wav").open("wb") as huge:
            huge.truncate(65 * 2**20)

        with pytest.raises(BadReference, match=r"huge\.wav"):
            voices.read("huge")

    def test_adding_through_a_link_that_leads_out_is_refused(self, tmp_path: Path) -> None:
        voices = self.repository({"bob.wav": b"B"})
        (self.root / "out").symlink_to(tmp_path)

        with pytest.raises(InvalidRequest, match="leads out"):
            voices.add("out/carol.wav", b"C")

        assert not (tmp_path / "carol.wav").exists()

    def test_a_failed_add_leaves_nothing_behind(self) -> None:
        voices = self.repository({"alice.wav": b"A"})

        with pytest.raises(InvalidRequest):
            voices.add("alice.wav", b"B")

        assert [path.name for path in self.root.iterdir()] == ["alice.wav"]

    def test_a_folder_that_cannot_be_made_is_a_storage_failure(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")

        with pytest.raises(StorageFailed, match="voices folder"):
            FilesystemVoices(root=tmp_path / "file" / "voices").add("bob.wav", b"B")
