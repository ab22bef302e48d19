"""The output folder as a folder of expiring files."""

import os
from pathlib import Path

import pytest

from adapters.filesystem.store import FilesystemStore
from application.ports.storage import ExpiringFiles
from tests.contracts.expiring_files import ExpiringFilesContract

UNREMOVABLE = Path("/proc/self/net")
"""A file system on which not even root can remove a file."""


class TestFilesystemStore(ExpiringFilesContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.root = tmp_path / "output"

    @pytest.fixture
    def files(self) -> ExpiringFiles:
        return FilesystemStore(root=self.root)

    def write(self, files: ExpiringFiles, name: str, content: bytes, *, moment: float) -> None:
        self.root.mkdir(exist_ok=True)
        (self.root / name).write_bytes(content)
        os.utime(self.root / name, (moment, moment))

    def names(self, files: ExpiringFiles) -> set[str]:
        return {path.name for path in self.root.iterdir()}

    def unremovable(self) -> ExpiringFiles:
        if not UNREMOVABLE.is_dir():
            pytest.skip(f"{UNREMOVABLE} is Linux's own")
        return FilesystemStore(root=UNREMOVABLE)
