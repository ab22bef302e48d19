"""What every object store promises."""

import io
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from application.ports.storage import InlineObject, ObjectStore, StoredObject
from domain.errors import Conflict, StorageFailed

JOBS_AT_ONCE = 6


def put(
    store: ObjectStore, content: bytes, *, key: str = "speech.ogg", owner: str = "job-1"
) -> StoredObject:
    stored = store.put(key, io.BytesIO(content), owner=owner, content_type="audio/ogg")
    assert isinstance(stored, StoredObject)
    return stored


class FinishedFilesContract(ABC):
    """What holds whether the store keeps its files or returns them."""

    @pytest.fixture
    @abstractmethod
    def store(self) -> ObjectStore:
        """An empty store."""

    @abstractmethod
    def content_of(self, store: ObjectStore, stored: StoredObject | InlineObject) -> bytes:
        """Return what a client gets."""

    def test_reports_that_it_is_reachable(self, store: ObjectStore) -> None:
        assert store.is_reachable()

    def test_stores_content_from_its_start_wherever_it_was_read_to(
        self, store: ObjectStore
    ) -> None:
        content = io.BytesIO(b"speech")
        content.seek(4)

        stored = store.put("a.ogg", content, owner="job-1", content_type="audio/ogg")

        assert self.content_of(store, stored) == b"speech"

    def test_takes_the_largest_file_that_it_names_and_no_larger_one(
        self, store: ObjectStore
    ) -> None:
        if (largest := store.largest_bytes) is None:
            return
        whole = bytes(largest)
        stored = store.put("a.ogg", io.BytesIO(whole), owner="job-1", content_type="audio/ogg")

        assert self.content_of(store, stored) == whole
        with pytest.raises(StorageFailed):
            store.put("b.ogg", io.BytesIO(whole + b"x"), owner="job-1", content_type="audio/ogg")


class ObjectStoreContract(FinishedFilesContract):
    """What a store promises that keeps its files."""

    @abstractmethod
    def content_at(self, store: ObjectStore, stored: StoredObject) -> bytes:
        """Return what anyone reads at the object's URL."""

    def content_of(self, store: ObjectStore, stored: StoredObject | InlineObject) -> bytes:
        assert isinstance(stored, StoredObject)
        return self.content_at(store, stored)

    def test_a_stored_object_can_be_read_at_its_url(self, store: ObjectStore) -> None:
        stored = put(store, b"speech")

        assert stored.key.endswith("speech.ogg")
        assert self.content_at(store, stored) == b"speech"

    def test_a_claim_does_not_reserve_the_key(self, store: ObjectStore) -> None:
        store.claim("speech.ogg", owner="job-1")

        store.claim("speech.ogg", owner="job-2")
        assert self.content_at(store, put(store, b"second", owner="job-2")) == b"second"

    def test_refuses_a_claim_of_another_jobs_object(self, store: ObjectStore) -> None:
        put(store, b"first", owner="job-1")

        with pytest.raises(Conflict, match=r"speech\.ogg belongs to another job"):
            store.claim("speech.ogg", owner="job-2")

    def test_never_overwrites_another_jobs_object(self, store: ObjectStore) -> None:
        stored = put(store, b"first", owner="job-1")

        with pytest.raises(Conflict, match=r"speech\.ogg belongs to another job"):
            put(store, b"second", owner="job-2")

        assert self.content_at(store, stored) == b"first"
        store.claim("speech.ogg", owner="job-1")

    def test_a_retried_job_replaces_its_own_object(self, store: ObjectStore) -> None:
        put(store, b"a long first try", owner="job-1")

        store.claim("speech.ogg", owner="job-1")
        again = put(store, b"second", owner="job-1")

        assert self.content_at(store, again) == b"second"

    def test_objects_with_different_keys_do_not_touch_each_other(self, store: ObjectStore) -> None:
        first = put(store, b"first", key="speech.ogg", owner="job-1")
        second = put(store, b"second", key="speech.mp3", owner="job-2")

        assert self.content_at(store, first) == b"first"
        assert self.content_at(store, second) == b"second"

    @pytest.mark.parametrize(
        "owner", ["sync-1f-u1", "", "ein Jöb", "仕事", "a/b%2F\r\nx: y", "\ud800"]
    )
    def test_an_owner_may_have_any_name(self, store: ObjectStore, owner: str) -> None:
        put(store, b"first", owner=owner)

        store.claim("speech.ogg", owner=owner)
        with pytest.raises(Conflict):
            store.claim("speech.ogg", owner=f"{owner}x")

    def test_exactly_one_of_several_jobs_that_store_one_key_at_once_succeeds(
        self, store: ObjectStore
    ) -> None:
        together = Barrier(JOBS_AT_ONCE)

        def store_as(owner: str) -> StoredObject | None:
            together.wait()
            try:
                return put(store, owner.encode() * 10_000, owner=owner)
            except Conflict:
                return None

        owners = [f"job-{number}" for number in range(JOBS_AT_ONCE)]
        with ThreadPoolExecutor(JOBS_AT_ONCE) as jobs:
            results = dict(zip(owners, jobs.map(store_as, owners), strict=True))

        ((winner, stored),) = ((owner, stored) for owner, stored in results.items() if stored)
        assert self.content_at(store, stored) == winner.encode() * 10_000
        store.claim("speech.ogg", owner=winner)
