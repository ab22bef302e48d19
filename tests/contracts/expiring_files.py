"""What every folder of expiring files promises."""

from abc import ABC, abstractmethod

import pytest

from application.ports.storage import ExpiringFiles, RemovedFiles
from domain.errors import StorageFailed

MOMENT = 1_700_000_000.0
"""Seconds since the epoch; a whole number, which every filesystem keeps exactly."""


class ExpiringFilesContract(ABC):
    @pytest.fixture
    @abstractmethod
    def files(self) -> ExpiringFiles:
        """A folder without files."""

    @abstractmethod
    def write(self, files: ExpiringFiles, name: str, content: bytes, *, moment: float) -> None:
        """Put a file into the folder that was last written at ``moment``."""

    @abstractmethod
    def names(self, files: ExpiringFiles) -> set[str]:
        """Return the names of the files that are there."""

    @abstractmethod
    def unremovable(self) -> ExpiringFiles:
        """Return a folder that holds old files, none of which can be removed."""

    def test_an_empty_folder_has_nothing_to_remove(self, files: ExpiringFiles) -> None:
        assert files.remove_before(MOMENT) == RemovedFiles(count=0, size_bytes=0)

    def test_removes_what_was_written_before_the_moment(self, files: ExpiringFiles) -> None:
        self.write(files, "old.ogg", b"old", moment=MOMENT - 1)
        self.write(files, "older.ogg", b"older", moment=MOMENT - 86_400)
        self.write(files, "young.ogg", b"young", moment=MOMENT + 1)

        removed = files.remove_before(MOMENT)

        assert self.names(files) == {"young.ogg"}
        assert removed == RemovedFiles(count=2, size_bytes=len(b"old" + b"older"))

    def test_keeps_what_was_written_at_the_moment(self, files: ExpiringFiles) -> None:
        self.write(files, "a.ogg", b"a", moment=MOMENT)

        assert files.remove_before(MOMENT) == RemovedFiles(count=0, size_bytes=0)
        assert self.names(files) == {"a.ogg"}

    def test_removes_a_file_once(self, files: ExpiringFiles) -> None:
        self.write(files, "old.ogg", b"old", moment=MOMENT - 1)
        files.remove_before(MOMENT)

        assert files.remove_before(MOMENT) == RemovedFiles(count=0, size_bytes=0)

    def test_files_that_cannot_be_removed_are_a_storage_failure(self) -> None:
        with pytest.raises(StorageFailed):
            self.unremovable().remove_before(2 * MOMENT)
