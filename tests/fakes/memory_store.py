"""An object store in memory."""

import itertools
from io import BytesIO
from threading import Lock
from typing import BinaryIO

from application.ports.storage import StoredObject
from application.ports.storage_probe import PROBE_CONTENT, StorageProbe
from domain.errors import Conflict, StorageFailed


class MemoryStore:
    """Keeps ``objects`` as (owner, content); while ``failure`` is set, every request raises it."""

    kind = "memory"
    largest_bytes: int | None = None

    def __init__(self) -> None:
        self.objects: dict[str, tuple[str, bytes]] = {}
        self.failure: StorageFailed | None = None
        self._lock = Lock()
        self._numbers = itertools.count()

    def is_reachable(self) -> bool:
        return self.failure is None

    def claim(self, key: str, *, owner: str) -> None:
        if self.failure:
            raise self.failure
        if self.objects.get(key, (owner,))[0] != owner:
            raise Conflict(f"{key} belongs to another job; choose another session_id")

    def put(self, key: str, content: BinaryIO, *, owner: str, content_type: str) -> StoredObject:
        content.seek(0)
        whole = content.read()
        if self.largest_bytes is not None and len(whole) > self.largest_bytes:
            raise StorageFailed(f"{key} is larger than {self.largest_bytes} bytes")
        with self._lock:
            self.claim(key, owner=owner)
            self.objects[key] = (owner, whole)
        return StoredObject(key=key, url=f"memory:{key}")

    def probe(self) -> StorageProbe:
        key = self.put(
            f"probe-{next(self._numbers)}.txt",
            BytesIO(PROBE_CONTENT),
            owner="probe",
            content_type="text/plain",
        ).key
        del self.objects[key]
        return StorageProbe(key)
