"""The voices folder as a copy of a source, on the real disk."""

from pathlib import Path

import pytest

from adapters.filesystem.mirror import FilesystemMirror
from application.ports.voices import VoiceMirror
from domain.errors import StorageFailed
from tests.contracts.voice_mirror import VoiceMirrorContract, replace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "voices"


class TestFilesystemMirror(VoiceMirrorContract):
    @pytest.fixture(autouse=True)
    def _folder(self, root: Path) -> None:
        self.root = root

    @pytest.fixture
    def mirror(self, root: Path) -> VoiceMirror:
        return FilesystemMirror(root=root)

    def content_at(self, mirror: VoiceMirror, file: str) -> bytes | None:
        path = self.root / file
        return path.read_bytes() if path.is_file() else None

    def write(self, mirror: VoiceMirror, file: str, content: bytes) -> None:
        self.root.mkdir(exist_ok=True)
        (self.root / file).write_bytes(content)

    def remove(self, mirror: VoiceMirror, file: str) -> None:
        (self.root / file).unlink()

    def make_unwritable(self, mirror: VoiceMirror) -> None:
        self.root.write_text("a file where the folder should be")


def test_a_failed_replacement_leaves_no_temporary_file(root: Path) -> None:
    (root / "alice.wav").mkdir(parents=True)

    with pytest.raises(StorageFailed):
        replace(FilesystemMirror(root=root), "alice.wav", b"A")

    assert [path.name for path in root.iterdir()] == ["alice.wav"]


def test_another_process_finds_the_versions(root: Path) -> None:
    version = replace(FilesystemMirror(root=root), "alice.wav", b"A")

    assert dict(FilesystemMirror(root=root).versions()) == {"alice.wav": version}
