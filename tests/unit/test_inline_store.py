import io

import pytest

from adapters.inline_store import InlineStore
from application.ports.storage import InlineObject, ObjectStore, StoredObject
from tests.contracts.object_store import FinishedFilesContract


class TestInlineStore(FinishedFilesContract):
    @pytest.fixture
    def store(self) -> ObjectStore:
        return InlineStore()

    def content_of(self, store: ObjectStore, stored: StoredObject | InlineObject) -> bytes:
        assert isinstance(stored, InlineObject)
        return stored.content


def test_no_job_conflicts_with_another_because_nothing_is_kept() -> None:
    store = InlineStore()
    store.put("speech.ogg", io.BytesIO(b"first"), owner="job-1", content_type="audio/ogg")

    store.claim("speech.ogg", owner="job-2")


def test_an_answer_with_the_largest_file_stays_below_what_runpod_carries() -> None:
    base64_bytes = InlineStore().largest_bytes * 4 / 3

    assert base64_bytes < 9_000_000  # of 10 MB; the rest is for the chunks' texts
