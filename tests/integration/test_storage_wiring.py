import io
import os
import re
import time
import urllib.request
from pathlib import Path

import pytest

from domain.errors import Conflict, StorageFailed
from entrypoints.container import Container
from entrypoints.settings.settings import WorkerSettings, load_settings
from tests.contracts.object_store import put
from tests.loopback.s3_proxy import FaultyProxy, refusal
from tests.loopback.seaweed import ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY, Seaweed


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "output"


@pytest.fixture
def environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: Path, proxy: FaultyProxy
) -> pytest.MonkeyPatch:
    for name, value in Seaweed(proxy.url).environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OUTPUT_AUDIO_DIR", str(output))
    monkeypatch.setenv("AUDIO_VOICES_DIR", str(tmp_path / "voices"))
    monkeypatch.setenv("S3_PREFIX", f"{tmp_path.name}/")
    return monkeypatch


def container() -> Container:
    return Container(settings=load_settings(WorkerSettings))


@pytest.mark.usefixtures("environment")
def test_a_worker_stores_in_s3() -> None:
    store = container().store()

    store.claim("speech.ogg", owner="job-1")
    stored = put(store, b"speech")

    assert store.kind == "s3"
    with urllib.request.urlopen(stored.url) as answer:
        assert answer.read() == b"speech"
    with pytest.raises(Conflict):
        store.claim("speech.ogg", owner="job-2")


@pytest.mark.usefixtures("environment")
def test_audio_that_s3_refuses_is_kept_in_the_output_folder(
    proxy: FaultyProxy, output: Path
) -> None:
    proxy.fail(refusal(403, "AccessDenied"), method="PUT")

    with pytest.raises(StorageFailed, match=r"kept as speech\.ogg in the worker's OUT") as failed:
        put(container().store(), b"speech")

    assert sorted(path.name for path in output.iterdir()) == [".speech.ogg.owner", "speech.ogg"]
    assert (output / "speech.ogg").read_bytes() == b"speech"
    for hidden in (str(output), SECRET_ACCESS_KEY, "http"):
        assert hidden not in str(failed.value)


@pytest.mark.usefixtures("environment")
def test_old_audio_is_removed(output: Path) -> None:
    output.mkdir()
    (output / "old.ogg").write_bytes(b"old")
    (output / "new.ogg").write_bytes(b"new")
    three_days_ago = time.time() - 3 * 86_400
    os.utime(output / "old.ogg", (three_days_ago, three_days_ago))

    assert container().cleanup().run().count == 1

    assert [path.name for path in output.iterdir()] == ["new.ogg"]


def test_synced_voices_can_be_named(
    environment: pytest.MonkeyPatch, seaweed: Seaweed, tmp_path: Path
) -> None:
    key = f"{tmp_path.name}/voices/alice.wav"
    seaweed.connection().client().put_object(Bucket=BUCKET, Key=key, Body=io.BytesIO(b"A"))
    environment.setenv("VOICES_S3_URI", f"s3://{BUCKET}/{tmp_path.name}/voices/")
    parts = container()

    assert parts.voice_sync().run().fetched == ("alice.wav",)

    assert parts.voices().read("alice").content == b"A"


def test_voices_come_from_a_service_of_their_own_where_audio_stays_in_a_folder(
    environment: pytest.MonkeyPatch, seaweed: Seaweed, tmp_path: Path
) -> None:
    key = f"{tmp_path.name}/own/alice.wav"
    seaweed.connection().client().put_object(Bucket=BUCKET, Key=key, Body=io.BytesIO(b"A"))
    for name in seaweed.environment:
        environment.delenv(name)
    environment.setenv("OBJECT_STORE", "filesystem")
    environment.setenv("VOICES_S3_URI", f"s3://{BUCKET}/{tmp_path.name}/own")
    environment.setenv("VOICES_S3_ENDPOINT_URL", seaweed.endpoint_url)
    environment.setenv("VOICES_S3_ACCESS_KEY_ID", ACCESS_KEY_ID)
    environment.setenv("VOICES_S3_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)

    assert container().voice_sync().run().fetched == ("alice.wav",)


def test_refused_voices_name_the_settings_of_the_voices(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("VOICES_S3_URI", f"s3://{BUCKET}/voices")
    environment.setenv("VOICES_S3_SECRET_ACCESS_KEY", "wrong")

    with pytest.raises(StorageFailed, match="check VOICES_S3_ACCESS_KEY_ID"):
        container().voice_sync().run()


@pytest.mark.usefixtures("environment")
def test_no_part_shows_a_key() -> None:
    parts = container()

    shown = " ".join(
        repr(part) for part in (parts.settings(), parts.store(), parts.s3_connection(), parts)
    )
    assert SECRET_ACCESS_KEY not in shown
    assert not re.search("seaweed-access-key", shown)
