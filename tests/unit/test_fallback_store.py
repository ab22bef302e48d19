import io

import pytest

from application.fallback_store import FallbackStore
from application.ports.storage import ObjectStore, StoredObject
from domain.errors import Conflict, StorageFailed
from tests.contracts.object_store import ObjectStoreContract, put
from tests.fakes.memory_store import MemoryStore


@pytest.fixture
def main() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def spare() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def store(main: MemoryStore, spare: MemoryStore) -> FallbackStore:
    return FallbackStore(store=main, spare=spare)


class TestStoreWithSpare(ObjectStoreContract):
    @pytest.fixture
    def store(self, main: MemoryStore, spare: MemoryStore) -> ObjectStore:
        return FallbackStore(store=main, spare=spare)

    @pytest.fixture(autouse=True)
    def _shelf(self, main: MemoryStore) -> None:
        self.shelf = main

    def content_at(self, store: ObjectStore, stored: StoredObject) -> bytes:
        return self.shelf.objects[stored.key][1]


def test_what_can_be_stored_goes_into_no_spare(store: FallbackStore, spare: MemoryStore) -> None:
    put(store, b"speech")

    assert spare.objects == {}
    assert store.kind == "memory"


def test_audio_that_cannot_be_stored_is_kept_and_named(
    store: FallbackStore, main: MemoryStore, spare: MemoryStore
) -> None:
    main.failure = StorageFailed("the bucket is down")

    with pytest.raises(StorageFailed, match=r"bucket is down; .* kept as speech\.ogg in .*OUTPUT"):
        put(store, b"speech", owner="job-1")

    assert spare.objects == {"speech.ogg": ("job-1", b"speech")}


def test_audio_of_another_job_that_waits_under_that_name_stays(
    store: FallbackStore, main: MemoryStore, spare: MemoryStore
) -> None:
    put(spare, b"first", owner="job-1")
    main.failure = StorageFailed("the bucket is down")

    with pytest.raises(StorageFailed, match=r"kept as \w{32}-speech\.ogg in"):
        put(store, b"second", owner="job-2")

    assert spare.objects["speech.ogg"] == ("job-1", b"first")
    assert ("job-2", b"second") in spare.objects.values()


def test_says_so_when_the_audio_cannot_be_kept_either(
    store: FallbackStore, main: MemoryStore, spare: MemoryStore
) -> None:
    main.failure = StorageFailed("the bucket is down")
    spare.failure = StorageFailed("the disk is full")

    with pytest.raises(StorageFailed, match="bucket is down; the audio is lost, for the disk is"):
        put(store, b"speech")


def test_a_conflict_is_no_reason_to_keep_anything(
    store: FallbackStore, main: MemoryStore, spare: MemoryStore
) -> None:
    put(main, b"first", owner="job-1")

    with pytest.raises(Conflict):
        store.put("speech.ogg", io.BytesIO(b"x"), owner="job-2", content_type="audio/ogg")

    assert spare.objects == {}


def test_a_store_that_fails_refuses_claims(store: FallbackStore, main: MemoryStore) -> None:
    main.failure = StorageFailed("the bucket is down")

    assert not store.is_reachable()
    with pytest.raises(StorageFailed):
        store.claim("speech.ogg", owner="job-1")
