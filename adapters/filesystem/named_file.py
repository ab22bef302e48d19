"""One output file at a path that a person chose."""

from pathlib import Path
from typing import BinaryIO

from adapters.filesystem.files import is_writable, publish, write_errors, written_aside
from application.ports.storage import StoredObject
from domain.errors import StorageFailed


class NamedFileStore:
    """An object store of one file, which replaces whatever file stood at ``path``."""

    def __init__(self, *, path: Path) -> None:
        self._path = path

    @property
    def kind(self) -> str:
        """The word for this store in results and health reports."""
        return "filesystem"

    @property
    def largest_bytes(self) -> None:
        """No limit but the space on the disk."""

    def is_reachable(self) -> bool:
        """Return whether a file can be written beside ``path``."""
        return is_writable(self._path.parent)

    def claim(self, key: str, *, owner: str) -> None:
        """Check that the file can be written; it belongs to every owner.

        Raises:
            StorageFailed: it cannot be written.
        """
        if self._path.is_dir():
            raise StorageFailed(f"{self._path.name} is a folder; name a file")
        if not self.is_reachable():
            raise StorageFailed(f"the folder of {self._path.name} cannot be written")

    def put(self, key: str, content: BinaryIO, *, owner: str, content_type: str) -> StoredObject:
        """Implement ``ObjectStore.put``; the key, the owner and the type have no effect."""
        with (
            write_errors("the output folder", "; check its rights and space"),
            written_aside(self._path, content) as aside,
        ):
            publish(aside, self._path)
        return StoredObject(key=self._path.name, url=self._path.absolute().as_uri())
