"""Expiring files in memory."""

from application.ports.storage import RemovedFiles
from domain.errors import StorageFailed


class DatedFiles:
    """Keeps the moment and the size of each file; ``failure`` is raised while it is set."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[float, int]] = {}
        self.failure: StorageFailed | None = None

    def remove_before(self, moment: float) -> RemovedFiles:
        if self.failure:
            raise self.failure
        old = {name: size for name, (written, size) in self.files.items() if written < moment}
        for name in old:
            del self.files[name]
        return RemovedFiles(count=len(old), size_bytes=sum(old.values()))
