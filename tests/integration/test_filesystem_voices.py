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

    def test_a_recording_of_that_name_replaces_the_bundled_voice(self) -> None:
        voices = self.repository({"default.wav": b"mine"})

        assert voices.read("default").content == b"mine"

    def test_lists_a_recording_of_that_name_instead_of_the_bundled_voice(self) -> None:
        voices = self.repository({"default.opus": b"mine"})

        assert (voices.list(), voices.shadowed()) == (["default.opus"], {})

    def test_the_bundled_voice_can_be_neither_removed_nor_renamed(self) -> None:
        voices = self.repository({"default.wav": b"mine"})
        assert voices.remove("default") == "default.wav"

        with pytest.raises(InvalidRequest, match="bundled"):
            voices.remove("default")
        with pytest.raises(InvalidRequest, match="bundled"):
            voices.rename("default.ogg", "other")

        assert voices.read("default").content[:4] == b"OggS"

    def test_a_link_that_leads_nowhere_hides_no_other_recording(self) -> None:
        voices = self.repository({"bob.mp3": b"B"})
        (self.root / "bob.wav").symlink_to(self.root / "gone.wav")

        assert voices.read("bob").content == b"B"

    def test_removing_and_renaming_a_link_leaves_what_it_leads_to(self) -> None:
        voices = self.repository({"bob.wav": b"B"})
        (self.root / "robert.wav").symlink_to("bob.wav")

        assert voices.rename("robert", "rob") == "rob.wav"
        assert voices.read("rob").content == b"B"
        with pytest.raises(InvalidRequest, match="is a link"):
            voices.rename("rob", "narrators/rob")
        assert voices.remove("rob") == "rob.wav"

        assert voices.read("bob").content == b"B"

    def test_changes_never_lead_out_of_the_folder(self, tmp_path: Path) -> None:
        voices = self.repository({"bob.wav": b"B"})
        (self.root / "out").symlink_to(tmp_path)
        (tmp_path / "back.wav").symlink_to(self.root / "bob.wav")

        with pytest.raises(UnknownVoice):
            voices.remove("out/alice")
        with pytest.raises(UnknownVoice):
            voices.remove("out/back")
        with pytest.raises(UnknownVoice):
            voices.rename("out/back", "carol")
        with pytest.raises(InvalidRequest, match="leads out"):
            voices.rename("bob", "out/bob")
        with pytest.raises(InvalidRequest, match="leads out"):
            voices.add("out/new/carol.wav", b"C")

        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "alice.wav",
            "back.wav",
            "voices",
        ]
        assert voices.read("bob").content == b"B"

    def test_a_refused_change_makes_no_folder(self) -> None:
        voices = self.repository({})

        with pytest.raises(UnknownVoice):
            voices.remove("nobody")

        assert not self.root.exists()

    @pytest.mark.parametrize("in_the_way", ["link", "folder"])
    def test_replacing_removes_broken_links_and_no_folders(self, in_the_way: str) -> None:
        voices = self.repository({"bob.wav": b"B"})
        if in_the_way == "link":
            (self.root / "bob.mp3").symlink_to("gone.mp3")
        else:
            (self.root / "bob.mp3").mkdir()

        voices.add("bob.ogg", b"C", replaces=True)

        assert voices.read("bob").content == b"C"
        assert (self.root / "bob.mp3").is_dir() == (in_the_way == "folder")

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

    def test_a_link_to_itself_is_listed_and_cannot_be_read(self) -> None:
        voices = self.repository({"bob.wav": b"B"})
        (self.root / "loop.wav").symlink_to(self.root / "loop.wav")

        assert voices.list() == ["bob.wav", "default.ogg", "loop.wav"]
        with pytest.raises(BadReference, match=r"loop\.wav cannot be read"):
            voices.read("loop")
        assert voices.read("bob").content == b"B"

    def test_a_link_that_leads_out_to_a_loop_is_no_voice(self, tmp_path: Path) -> None:
        voices = self.repository({})
        self.root.mkdir()
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
        (self.root / "out.wav").symlink_to(tmp_path / "loop")

        assert voices.list() == ["default.ogg"]
        with pytest.raises(UnknownVoice):
            voices.read("out")

    def test_a_loop_of_folders_does_not_keep_the_others_from_being_found(self) -> None:
        voices = self.repository({"bob.wav": b"B"})
        (self.root / "again").symlink_to(self.root / "again")

        with pytest.raises(UnknownVoice, match="available: bob, default"):
            voices.read("again/bob")

    @pytest.mark.parametrize(
        "name", ["a\x9b31m.wav", "a\u202egpj.wav", "a\u2028b.wav", "a\u200b.wav"]
    )
    def test_a_file_with_control_characters_in_its_name_is_no_voice(self, name: str) -> None:
        voices = self.repository({name: b"A"})

        assert voices.list() == ["default.ogg"]
        with pytest.raises(UnknownVoice) as refused:
            voices.read(name)
        assert str(refused.value).isprintable()
        with pytest.raises(InvalidRequest) as unnamed:
            voices.add(name, b"A")
        assert str(unnamed.value).isprintable()
