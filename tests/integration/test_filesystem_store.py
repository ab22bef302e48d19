import os
import time
import urllib.request
from pathlib import Path

import pytest

from adapters.filesystem.store import FilesystemStore
from application.ports.storage import ObjectStore, RemovedFiles, StoredObject
from application.ports.storage_probe import ProbedStorage
from domain.errors import StorageFailed
from tests.contracts.object_store import ObjectStoreContract, put
from tests.contracts.storage_probe import ProbedStorageContract

NOW = time.time()
LONG_AGO = NOW - 3 * 86_400


class TestFilesystemStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> FilesystemStore:
        return FilesystemStore(root=tmp_path / "output")

    def content_at(self, store: ObjectStore, stored: StoredObject) -> bytes:
        with urllib.request.urlopen(stored.url) as answer:
            content: bytes = answer.read()
        return content


class TestFilesystemProbe(ProbedStorageContract):
    @pytest.fixture
    def storage(self, root: Path) -> ProbedStorage:
        self.root = root
        return FilesystemStore(root=root)

    def keys(self, storage: ProbedStorage) -> set[str]:
        return {path.name for path in self.root.glob("*")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "output"


@pytest.fixture
def store(root: Path) -> FilesystemStore:
    return FilesystemStore(root=root)


def age(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)


def test_a_failed_put_leaves_no_temporary_file(store: FilesystemStore, root: Path) -> None:
    (root / ".speech.ogg.owner").mkdir(parents=True)  # in the way of the note

    with pytest.raises(StorageFailed, match="output folder cannot be written"):
        put(store, b"speech")

    assert [path.name for path in root.iterdir()] == [".speech.ogg.owner"]


def test_removes_old_files_with_their_notes_and_keeps_young_ones(
    store: FilesystemStore, root: Path
) -> None:
    put(store, b"old", key="old.ogg")
    put(store, b"young", key="young.ogg")
    age(root / "old.ogg", root / ".young.ogg.owner")

    assert store.remove_before(NOW - 86_400) == RemovedFiles(count=1, size_bytes=3)

    assert {path.name for path in root.iterdir()} == {"young.ogg", ".young.ogg.owner"}
    store.claim("old.ogg", owner="another job")


def test_removes_the_unfinished_files_of_a_killed_process(
    store: FilesystemStore, root: Path
) -> None:
    root.mkdir()
    left = [root / ".speech.ogg.x7_kqz2a", root / ".gone.ogg.owner"]
    for path in left:
        path.write_bytes(b"half")
    age(*left)

    store.remove_before(NOW - 86_400)

    assert list(root.iterdir()) == []


def test_links_folders_and_other_hidden_files_stay(
    store: FilesystemStore, root: Path, tmp_path: Path
) -> None:
    root.mkdir()
    outside = tmp_path / "outside.ogg"
    outside.write_bytes(b"precious")
    (root / "link.ogg").symlink_to(outside)
    (root / "folder").mkdir()
    (root / "folder" / "deep.ogg").write_bytes(b"deep")
    (root / ".profile").write_bytes(b"not ours")
    age(outside, *root.rglob("*"))

    assert store.remove_before(NOW) == RemovedFiles(0, 0)

    assert outside.read_bytes() == b"precious"
    assert {path.name for path in root.rglob("*")} == {"link.ogg", "folder", "deep.ogg", ".profile"}


def test_cleaning_makes_no_folder(store: FilesystemStore, root: Path) -> None:
    assert store.remove_before(NOW) == RemovedFiles(0, 0)
    assert not root.exists()
