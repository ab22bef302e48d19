import io

import pytest

from application.fallback_store import FallbackStore
from application.ports.storage import ObjectStore, StoredObject
from domain.errors import Conflict, StorageFailed
from tests.contracts.object_store import ObjectStoreContract, put
from tests.fakes.memory_store import MemoryStore

PLACE = "the worker's OUTPUT_AUDIO_DIR"


@pytest.fixture
def main() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def fallback() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def store(main: MemoryStore, fallback: MemoryStore) -> FallbackStore:
    return FallbackStore(store=main, fallback=fallback, fallback_place=PLACE)


class TestFallbackStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, main: MemoryStore, fallback: MemoryStore) -> ObjectStore:
        return FallbackStore(store=main, fallback=fallback, fallback_place=PLACE)

    @pytest.fixture(autouse=True)
    def _main_store(self, main: MemoryStore) -> None:
        self.main = main

    def content_at(self, store: ObjectStore, stored: StoredObject) -> bytes:
        return self.main.objects[stored.key][1]


def test_keeps_nothing_in_the_fallback_when_the_store_works(
    store: FallbackStore, fallback: MemoryStore
) -> None:
    put(store, b"speech")

    assert fallback.objects == {}
    assert store.kind == "memory"


def test_keeps_audio_that_cannot_be_stored_and_names_it(
    store: FallbackStore, main: MemoryStore, fallback: MemoryStore
) -> None:
    main.failure = StorageFailed("the bucket is down")

    with pytest.raises(StorageFailed, match=r"bucket is down; .* kept as speech\.ogg in .*OUTPUT"):
        put(store, b"speech", owner="job-1")

    assert fallback.objects == {"speech.ogg": ("job-1", b"speech")}


def test_never_overwrites_audio_of_another_job_in_the_fallback(
    store: FallbackStore, main: MemoryStore, fallback: MemoryStore
) -> None:
    put(fallback, b"first", owner="job-1")
    main.failure = StorageFailed("the bucket is down")

    with pytest.raises(StorageFailed, match=r"kept as \w{32}-speech\.ogg in"):
        put(store, b"second", owner="job-2")

    assert fallback.objects["speech.ogg"] == ("job-1", b"first")
    assert ("job-2", b"second") in fallback.objects.values()


def test_reports_that_the_audio_is_lost_when_the_fallback_fails_too(
    store: FallbackStore, main: MemoryStore, fallback: MemoryStore
) -> None:
    main.failure = StorageFailed("the bucket is down")
    fallback.failure = StorageFailed("the disk is full")

    with pytest.raises(StorageFailed, match="bucket is down; the audio is lost, for the disk is"):
        put(store, b"speech")


def test_keeps_nothing_in_the_fallback_after_a_conflict(
    store: FallbackStore, main: MemoryStore, fallback: MemoryStore
) -> None:
    put(main, b"first", owner="job-1")

    with pytest.raises(Conflict):
        store.put("speech.ogg", io.BytesIO(b"x"), owner="job-2", content_type="audio/ogg")

    assert fallback.objects == {}


def test_refuses_a_claim_that_the_store_refuses(store: FallbackStore, main: MemoryStore) -> None:
    main.failure = StorageFailed("the bucket is down")

    assert not store.is_reachable()
    with pytest.raises(StorageFailed):
        store.claim("speech.ogg", owner="job-1")
