import pytest

from application.ports.storage import ObjectStore, StoredObject
from tests.contracts.object_store import ObjectStoreContract
from tests.fakes.memory_store import MemoryStore


class TestMemoryStore(ObjectStoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    def content_at(self, store: ObjectStore, stored: StoredObject) -> bytes:
        assert isinstance(store, MemoryStore)
        return store.objects[stored.url.removeprefix("memory:")][1]
