import io
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.filesystem.mirror import FilesystemMirror
from adapters.filesystem.voices import FilesystemVoices
from adapters.s3.connection import RetryPolicy
from adapters.s3.voices import S3VoiceStore
from application.ports.voices import VoiceSource, VoiceStore
from application.voice_sync import VoiceSync, VoiceSyncReport
from domain.errors import StorageFailed
from tests.contracts.voice_store import VoiceStoreContract
from tests.loopback.s3_proxy import FaultyProxy, cut_upload, lost_answer, meanwhile, refusal
from tests.loopback.seaweed import BUCKET, Seaweed

Upload = Callable[[str, bytes], None]


@pytest.fixture
def prefix() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def upload(seaweed: Seaweed, prefix: str) -> Upload:
    """Put a file below the prefix of the voices."""
    client = seaweed.connection().client()

    def put(file: str, content: bytes) -> None:
        client.put_object(Bucket=BUCKET, Key=f"{prefix}/{file}", Body=io.BytesIO(content))

    return put


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "voices"


@pytest.fixture
def sync(proxy: FaultyProxy, prefix: str, root: Path) -> VoiceSync:
    return VoiceSync(source=voice_source(proxy, prefix), mirror=FilesystemMirror(root=root))


def voice_source(proxy: FaultyProxy, prefix: str) -> S3VoiceStore:
    """Return a source behind the proxy that tries nothing twice."""
    connection = Seaweed(proxy.url).connection(retry_policy=RetryPolicy(attempts=1))
    return S3VoiceStore(connection=connection, uri=f"s3://{BUCKET}/{prefix}")


class TestS3VoiceStore(VoiceStoreContract):
    @pytest.fixture(autouse=True)
    def _folder(self, proxy: FaultyProxy, seaweed: Seaweed, prefix: str) -> None:
        self.proxy = proxy
        self.client = seaweed.connection().client()
        self.prefix = prefix

    @pytest.fixture
    def source(self, proxy: FaultyProxy, prefix: str) -> VoiceStore:
        return voice_source(proxy, prefix)

    def write(self, source: VoiceSource, file: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=f"{self.prefix}/{file}", Body=content)

    def remove(self, source: VoiceSource, file: str) -> None:
        self.client.delete_object(Bucket=BUCKET, Key=f"{self.prefix}/{file}")

    def disconnect(self, source: VoiceSource) -> None:
        for method in ("GET", "PUT", "DELETE"):
            self.proxy.fail(cut_upload(0), method=method)


def fetches(proxy: FaultyProxy) -> int:
    return sum("list-type" not in request for request in proxy.requests)


def test_synced_recordings_are_voices(sync: VoiceSync, upload: Upload, root: Path) -> None:
    upload("alice.wav", b"A")
    upload("narrators/bob ü.mp3", b"B")

    assert sync.run() == VoiceSyncReport(fetched=("alice.wav", "narrators/bob ü.mp3"))

    voices = FilesystemVoices(root=root)
    assert voices.read("alice").content == b"A"
    assert voices.read("narrators/bob ü").content == b"B"
    assert voices.list() == ["alice.wav", "default.ogg", "narrators/bob ü.mp3"]


def test_only_what_changed_is_fetched_again(
    sync: VoiceSync, upload: Upload, proxy: FaultyProxy, root: Path
) -> None:
    upload("alice.wav", b"A")
    upload("bob.wav", b"B")
    sync.run()
    upload("alice.wav", b"C")
    upload("carol.wav", b"new")
    proxy.requests.clear()

    report = sync.run()

    assert report == VoiceSyncReport(fetched=("alice.wav", "carol.wav"), unchanged=("bob.wav",))
    assert fetches(proxy) == 2
    assert (root / "alice.wav").read_bytes() == b"C"
    assert sync.run().fetched == ()


def test_a_file_that_was_lost_or_changed_here_is_fetched_again(
    sync: VoiceSync, upload: Upload, root: Path
) -> None:
    upload("alice.wav", b"A")
    upload("bob.wav", b"B")
    sync.run()
    (root / "alice.wav").unlink()
    (root / "bob.wav").write_bytes(b"damaged")

    assert sync.run().fetched == ("alice.wav", "bob.wav")
    assert (root / "bob.wav").read_bytes() == b"B"


def test_fetches_files_again_after_damage_to_the_index(
    sync: VoiceSync, upload: Upload, root: Path
) -> None:
    upload("alice.wav", b"A")
    sync.run()
    (index,) = (path for path in root.iterdir() if path.name.startswith("."))

    for damaged in (b"", b"[]", b'{"alice.wav": 5}', b'{"alice.wav": ["x", "y"]}', b"\xff"):
        index.write_bytes(damaged)
        assert sync.run().fetched == ("alice.wav",)


def test_keeps_voices_that_came_another_way(sync: VoiceSync, upload: Upload, root: Path) -> None:
    root.mkdir()
    (root / "mine.wav").write_bytes(b"mine")
    upload("alice.wav", b"A")

    sync.run()

    assert (root / "mine.wav").read_bytes() == b"mine"


def test_other_files_and_unsafe_names_are_ignored(
    sync: VoiceSync, upload: Upload, root: Path, tmp_path: Path
) -> None:
    for file in ("notes.txt", ".hidden.wav", "folder/", "alice.wav"):
        upload(file, b"A")

    report = sync.run()

    assert report.fetched == ("alice.wav",)
    assert sorted(report.ignored) == [".hidden.wav", "notes.txt"]
    assert [path.name for path in tmp_path.rglob("*.wav")] == ["alice.wav"]


def test_reads_only_files_below_the_prefix(
    sync: VoiceSync, seaweed: Seaweed, prefix: str, upload: Upload
) -> None:
    client = seaweed.connection().client()
    client.put_object(Bucket=BUCKET, Key=f"{prefix}-old/bob.wav", Body=b"B")
    upload("alice.wav", b"A")

    assert sync.run() == VoiceSyncReport(fetched=("alice.wav",))


def test_fetches_the_other_voices_when_one_fails(
    sync: VoiceSync, upload: Upload, proxy: FaultyProxy, root: Path
) -> None:
    upload("alice.wav", b"A")
    upload("bob.wav", b"B")
    proxy.fail(refusal(403, "AccessDenied"), method="GET", marked="alice.wav", times=1)

    report = sync.run()

    assert report.fetched == ("bob.wav",)
    ((file, reason),) = report.failed
    assert file == "alice.wav"
    assert "AccessDenied" in reason
    assert sync.run().fetched == ("alice.wav",)


def test_fetches_a_voice_that_changes_during_a_sync_at_the_next_sync(
    sync: VoiceSync, upload: Upload, proxy: FaultyProxy, root: Path
) -> None:
    upload("alice.wav", b"old")
    proxy.fail(
        meanwhile(lambda: upload("alice.wav", b"new")), method="GET", marked="alice.wav", times=1
    )

    assert [file for file, _ in sync.run().failed] == ["alice.wav"]
    assert not (root / "alice.wav").exists()
    assert sync.run().fetched == ("alice.wav",)


def test_never_writes_through_a_link_that_leads_out_of_the_folder(
    sync: VoiceSync, upload: Upload, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside.wav").write_bytes(b"precious")
    root.mkdir()
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "alice.wav").symlink_to(tmp_path / "outside.wav")
    upload("out/deep/bob.wav", b"B")
    upload("alice.wav", b"A")

    report = sync.run()

    assert report.fetched == ("alice.wav",)
    ((file, reason),) = report.failed
    assert (file, "leads out of the voices folder" in reason) == ("out/deep/bob.wav", True)
    assert list((tmp_path / "outside").iterdir()) == []
    assert (tmp_path / "outside.wav").read_bytes() == b"precious"


def test_a_bucket_that_cannot_be_listed_is_a_storage_failure(
    sync: VoiceSync, proxy: FaultyProxy, seaweed: Seaweed, root: Path
) -> None:
    proxy.fail(refusal(403, "AccessDenied"), method="GET")

    with pytest.raises(StorageFailed, match="AccessDenied"):
        sync.run()
    with pytest.raises(StorageFailed, match="no such bucket"):
        S3VoiceStore(connection=seaweed.connection(), uri="s3://no-such-bucket").list()


def test_a_service_without_conditions_gets_a_new_voice_all_the_same(
    proxy: FaultyProxy, prefix: str
) -> None:
    proxy.fail(refusal(501, "NotImplemented"), method="PUT", marked="if-none-match")

    written = voice_source(proxy, prefix).write("alice.wav", b"A", replaces=False)

    assert voice_source(proxy, prefix).read(written) == b"A"


def test_a_new_voice_whose_answer_was_lost_is_written_once(proxy: FaultyProxy, prefix: str) -> None:
    proxy.fail(lost_answer, method="PUT", times=1)
    connection = Seaweed(proxy.url).connection(retry_policy=RetryPolicy(attempts=2))
    store = S3VoiceStore(connection=connection, uri=f"s3://{BUCKET}/{prefix}")

    written = store.write("alice.wav", b"A", replaces=False)

    assert store.list() == [written]
    assert sum(request.startswith("PUT") for request in proxy.requests) == 2


def test_a_key_that_may_only_read_is_told_what_it_lacks(proxy: FaultyProxy, prefix: str) -> None:
    proxy.fail(refusal(403, "AccessDenied"), method="PUT")

    with pytest.raises(StorageFailed, match="that they may write and delete in the bucket"):
        voice_source(proxy, prefix).write("alice.wav", b"A", replaces=True)
