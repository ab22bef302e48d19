"""Voices that are changed in a store and in the folder that mirrors it."""

from threading import Thread

import pytest

from application.ports.voices import RemoteFile
from application.shared_voices import SharedLibrary
from application.voice_sync import VoiceSync
from domain.errors import Conflict, InvalidRequest, StorageFailed, UnknownVoice
from tests.fakes.listed_voices import ListedVoices
from tests.fakes.memory_mirror import MemoryMirror
from tests.fakes.memory_voices import MemoryVoices


class Studio:
    """A store, the folder that mirrors it, and the library of both."""

    def __init__(self, store: ListedVoices | None = None) -> None:
        self.store = store or ListedVoices()
        self.mirror = MemoryMirror()
        self.folder = FullableVoices(self.mirror.contents)
        self.sync = VoiceSync(source=self.store, mirror=self.mirror)
        self.library = SharedLibrary(
            store=self.store, folder=self.folder, mirror=self.mirror, sync=self.sync
        )


class FullableVoices(MemoryVoices):
    """A folder that takes no recording while it is full."""

    is_full = False

    def add(self, file: str, content: bytes, *, replaces: bool = False) -> None:
        if self.is_full:
            raise StorageFailed("the voices folder is full")
        super().add(file, content, replaces=replaces)


def test_an_added_voice_is_in_both_and_is_not_fetched_again() -> None:
    studio = Studio()

    studio.library.add("n/alice.wav", b"A")

    assert studio.store.contents == studio.folder.files == {"n/alice.wav": b"A"}
    assert studio.sync.run().unchanged == ("n/alice.wav",)


@pytest.mark.parametrize("place", ["store", "folder"])
def test_a_voice_that_exists_in_either_is_a_conflict(place: str) -> None:
    studio = Studio()
    if place == "store":
        studio.store.put("alice.ogg", b"old")
    else:
        studio.folder.files["alice.ogg"] = b"old"

    with pytest.raises(Conflict, match="'alice' is a voice already"):
        studio.library.add("alice.wav", b"new")

    assert "alice.wav" not in studio.store.contents | studio.folder.files


def test_a_replacing_voice_has_no_other_recording_in_either() -> None:
    studio = Studio(ListedVoices("alice.wav", "bob.wav"))
    studio.sync.run()

    studio.library.add("alice.ogg", b"new", replaces=True)
    studio.sync.run()

    assert set(studio.store.contents) == set(studio.folder.files) == {"alice.ogg", "bob.wav"}
    assert studio.folder.read("alice").content == b"new"


@pytest.mark.parametrize("refused", ["alice.ogg", "alice.wav"], ids=["the new", "the old"])
def test_what_the_store_refuses_changes_nothing(refused: str) -> None:
    studio = Studio(ListedVoices("alice.wav"))
    studio.sync.run()
    before = studio.store.contents
    studio.store.refused = {refused}

    with pytest.raises(StorageFailed, match="may not be changed"):
        studio.library.add("alice.ogg", b"new", replaces=True)

    assert studio.store.contents == studio.folder.files == before


def test_a_new_voice_that_the_folder_cannot_take_leaves_the_store_as_it_was() -> None:
    studio = Studio()
    studio.folder.is_full = True

    with pytest.raises(StorageFailed, match="full"):
        studio.library.add("alice.wav", b"A")

    assert studio.store.contents == {}


def test_a_voice_that_the_folder_cannot_replace_stays_in_the_store() -> None:
    studio = Studio(ListedVoices("alice.wav"))
    studio.folder.is_full = True

    with pytest.raises(StorageFailed, match="full"):
        studio.library.add("alice.ogg", b"new", replaces=True)

    assert studio.store.contents == {"alice.ogg": b"new"}


@pytest.mark.parametrize("name", ["alice", "alice.ogg"])
def test_a_removed_voice_has_no_recording_left_and_does_not_come_back(name: str) -> None:
    studio = Studio(ListedVoices("alice.wav", "alice.ogg", "bob.wav"))
    studio.folder.files["alice.mp3"] = b"only here"

    assert studio.library.remove(name) == "alice"
    studio.sync.run()

    assert set(studio.store.contents) == set(studio.folder.files) == {"bob.wav"}


def test_a_voice_of_the_folder_alone_is_removed() -> None:
    studio = Studio()
    studio.folder.files["alice.wav"] = b"A"

    assert studio.library.remove("alice") == "alice"

    assert studio.folder.files == {}


def test_a_voice_whose_removal_the_store_refuses_stays_in_the_folder() -> None:
    studio = Studio(ListedVoices("alice.wav"))
    studio.sync.run()
    studio.store.refused = {"alice.wav"}

    with pytest.raises(StorageFailed):
        studio.library.remove("alice")

    assert set(studio.folder.files) == {"alice.wav"}


@pytest.mark.parametrize("name", ["nobody", "notes", "", "../alice", "a\0"])
def test_what_is_no_voice_cannot_be_removed(name: str) -> None:
    studio = Studio(ListedVoices("notes.txt", "../alice.wav", "a\0.wav"))

    with pytest.raises(UnknownVoice):
        studio.library.remove(name)

    assert len(studio.store.contents) == 3


class BundledVoices(MemoryVoices):
    """A folder whose voice ``default`` stays."""

    def remove(self, name: str) -> str:
        if name in ("default", "default.ogg"):
            raise InvalidRequest("name", "the bundled voice cannot be removed")
        return super().remove(name)


def test_the_bundled_voice_cannot_be_removed_but_its_replacement_can() -> None:
    studio = Studio()
    bundled = BundledVoices({"default.ogg": b"bundled"})
    library = SharedLibrary(
        store=studio.store, folder=bundled, mirror=studio.mirror, sync=studio.sync
    )
    with pytest.raises(InvalidRequest, match="bundled"):
        library.remove("default")
    studio.store.put("default.wav", b"own")

    assert library.remove("default") == "default"

    assert studio.store.contents == {}


class RemovingWhileRead(ListedVoices):
    """A store of which a client removes a voice while a sync reads it."""

    def __init__(self, *files: str) -> None:
        super().__init__(*files)
        self.studio = Studio(self)
        self.removal = Thread(target=self.studio.library.remove, args=("alice",))

    def read(self, remote: RemoteFile) -> bytes:
        content = super().read(remote)
        self.removal.start()
        self.removal.join(0.1)  # a removal that did not wait for the sync would end here
        return content


def test_a_sync_that_runs_meanwhile_does_not_bring_a_removed_voice_back() -> None:
    store = RemovingWhileRead("alice.wav")

    assert store.studio.sync.run().fetched == ("alice.wav",)
    store.removal.join(30)

    assert store.contents == store.studio.folder.files == {}
