import io
import logging
import os
import sys
import time
import traceback
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.error import HTTPError

import pytest

from adapters.s3.connection import PROBE_POLICY, AddressingStyle, RetryPolicy
from adapters.s3.store import S3Store
from application.ports.storage import ObjectStore, StoredObject
from application.ports.storage_probe import ProbedStorage
from domain.errors import Conflict, StorageFailed
from tests.contracts.object_store import ObjectStoreContract, put
from tests.contracts.storage_probe import ProbedStorageContract
from tests.loopback.s3_proxy import (
    FaultyProxy,
    cut_upload,
    lost_answer,
    meanwhile,
    refusal,
    slow,
)
from tests.loopback.seaweed import BUCKET, DOMAIN, SECRET_ACCESS_KEY, Seaweed

MIB = 2**20
SENT_WHOLE = b"speech"
SENT_IN_PARTS = b"speech" * MIB
"""6 MiB: more than the 5 MiB that S3 demands of a part."""

either_way = pytest.mark.parametrize(
    ("audio", "last_method"), [(SENT_WHOLE, "PUT"), (SENT_IN_PARTS, "POST")], ids=["whole", "parts"]
)
TWO_ATTEMPTS = RetryPolicy(attempts=2, connect_seconds=2, read_seconds=20)


@pytest.fixture
def prefix() -> str:
    """Return a prefix in the bucket that no other test uses."""
    return f"{uuid.uuid4().hex}/"


@pytest.fixture
def store(seaweed: Seaweed, prefix: str) -> S3Store:
    return S3Store(connection=seaweed.connection(), bucket=BUCKET, prefix=prefix)


@pytest.fixture
def proxied(proxy: FaultyProxy, prefix: str) -> S3Store:
    """Return a store under the same prefix behind the proxy; it sends smaller files in parts."""
    return S3Store(
        connection=Seaweed(proxy.url).connection(retry_policy=TWO_ATTEMPTS),
        bucket=BUCKET,
        prefix=prefix,
        part_bytes=5 * MIB,
    )


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        content: bytes = answer.read()
    return content


class TestS3Store(ObjectStoreContract):
    @pytest.fixture
    def store(self, seaweed: Seaweed, prefix: str) -> ObjectStore:
        return S3Store(connection=seaweed.connection(), bucket=BUCKET, prefix=prefix)

    def content_at(self, store: ObjectStore, stored: StoredObject) -> bytes:
        return read(stored.url)


class TestS3Probe(ProbedStorageContract):
    @pytest.fixture
    def storage(self, seaweed: Seaweed, prefix: str) -> ProbedStorage:
        self.client, self.prefix = seaweed.connection().client(), prefix
        return S3Store(connection=seaweed.connection(), bucket=BUCKET, prefix=prefix)

    def keys(self, storage: ProbedStorage) -> set[str]:
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=self.prefix)
        return {item["Key"] for item in found.get("Contents", [])}


def test_a_probe_that_must_stay_is_told_with_the_reason(
    proxied: S3Store, proxy: FaultyProxy, prefix: str
) -> None:
    proxy.fail(refusal(403, "AccessDenied"), method="DELETE")

    probe = proxied.probe()

    assert probe.key.startswith(f"{prefix}probe-")
    assert "refused access (AccessDenied)" in probe.removal_failure


@pytest.mark.parametrize("method", ["PUT", "HEAD", "GET"])
def test_a_probe_that_is_refused_fails(proxied: S3Store, proxy: FaultyProxy, method: str) -> None:
    proxy.fail(refusal(403, "AccessDenied"), method=method)

    with pytest.raises(StorageFailed, match="refused access"):
        proxied.probe()


# what is stored


def test_the_key_is_the_prefix_and_the_name(store: S3Store, prefix: str) -> None:
    stored = put(store, b"speech", key="speech.ogg")

    assert stored.key == f"{prefix}speech.ogg"
    assert f"/{BUCKET}/{prefix}speech.ogg?" in stored.url


def test_the_object_names_its_content_type_and_its_job(
    store: S3Store, seaweed: Seaweed, prefix: str
) -> None:
    stored = store.put("a.wav", io.BytesIO(b"RIFF"), owner="job-1", content_type="audio/wav")

    with urllib.request.urlopen(stored.url) as answer:
        assert answer.headers["Content-Type"] == "audio/wav"
        assert answer.headers["x-amz-meta-job-id"] == "job-1"


def test_anyone_can_read_the_url_until_it_expires(seaweed: Seaweed, prefix: str) -> None:
    store = S3Store(
        connection=seaweed.connection(), bucket=BUCKET, prefix=prefix, url_expires_seconds=1
    )
    stored = put(store, b"speech")

    assert read(stored.url) == b"speech"
    time.sleep(2.1)
    with pytest.raises(HTTPError) as refused:
        read(stored.url)
    assert refused.value.code == 403
    refused.value.close()


def test_a_url_with_another_signature_is_refused(store: S3Store) -> None:
    stored = put(store, b"speech")
    forged = stored.url[:-4] + ("0000" if not stored.url.endswith("0000") else "1111")

    with pytest.raises(HTTPError) as refused:
        read(forged)
    assert refused.value.code == 403
    refused.value.close()


def test_stores_every_byte_of_a_long_file(
    store: S3Store, seaweed: Seaweed, prefix: str, tmp_path: Path
) -> None:
    audio = os.urandom(20 * MIB + 7)
    (tmp_path / "long.wav").write_bytes(audio)

    with (tmp_path / "long.wav").open("rb") as content:
        stored = store.put("long.wav", content, owner="job-1", content_type="audio/wav")

    head = seaweed.connection().client().head_object(Bucket=BUCKET, Key=stored.key)
    assert head["ETag"].strip('"').endswith("-2")
    assert (head["ContentType"], head["Metadata"]) == ("audio/wav", {"job-id": "job-1"})
    assert read(stored.url) == audio


def test_of_jobs_that_store_a_long_file_at_once_exactly_one_wins(
    proxied: S3Store, proxy: FaultyProxy, prefix: str
) -> None:
    together = Barrier(3)

    def store_as(owner: str) -> StoredObject | None:
        together.wait()
        try:
            return put(proxied, owner.encode() * MIB, owner=owner)
        except Conflict:
            return None

    owners = ["job-1", "job-2", "job-3"]
    with ThreadPoolExecutor(3) as jobs:
        results = dict(zip(owners, jobs.map(store_as, owners), strict=True))

    ((winner, stored),) = ((owner, stored) for owner, stored in results.items() if stored)
    assert read(stored.url) == winner.encode() * MIB
    assert _open_uploads(proxy, prefix) == []


def test_never_overwrites_an_object_that_names_no_job(
    store: S3Store, seaweed: Seaweed, prefix: str
) -> None:
    client = seaweed.connection().client()
    for body in (b"somebody's", b""):
        client.put_object(Bucket=BUCKET, Key=f"{prefix}speech.ogg", Body=body)

        with pytest.raises(Conflict):
            store.claim("speech.ogg", owner="job-1")
        with pytest.raises(Conflict):
            put(store, b"mine")


def test_reaches_a_bucket_that_the_host_name_contains(
    proxy: FaultyProxy, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)  # nothing else resolves the host's name
    connection = Seaweed(f"http://{DOMAIN}").connection(addressing_style="virtual")
    stored = put(S3Store(connection=connection, bucket=BUCKET, prefix=prefix), b"speech")

    assert stored.url.startswith(f"http://{BUCKET}.{DOMAIN}/{prefix}speech.ogg?")
    through_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy.url}))
    with through_proxy.open(stored.url) as answer:
        assert answer.read() == b"speech"


@pytest.mark.parametrize(
    ("endpoint", "style", "begins"),
    [
        ("https://s3.example.com", "auto", "https://s3.example.com/media/a.ogg?"),
        ("https://s3.example.com", "virtual", "https://media.s3.example.com/a.ogg?"),
        ("https://s3.eu-west-1.amazonaws.com", "auto", "https://media.s3.eu-west-1.amazonaws.com/"),
        ("https://s3.eu-west-1.amazonaws.com", "path", "https://s3.eu-west-1.amazonaws.com/media/"),
    ],
)
def test_urls_name_the_bucket_where_the_style_says(
    endpoint: str, style: AddressingStyle, begins: str
) -> None:
    connection = Seaweed(endpoint).connection(addressing_style=style)

    url = connection.client().generate_presigned_url(
        "get_object", Params={"Bucket": "media", "Key": "a.ogg"}
    )

    assert url.startswith(begins)


# what it costs


def test_a_claim_is_one_request(proxied: S3Store, proxy: FaultyProxy) -> None:
    proxied.claim("speech.ogg", owner="job-1")

    assert len(proxy.requests) == 1


def test_a_connection_makes_one_client(seaweed: Seaweed) -> None:
    connection = seaweed.connection()

    assert connection.client() is connection.client()


# when it fails


def test_repeats_a_write_that_was_refused_twice_with_503(proxy: FaultyProxy, prefix: str) -> None:
    store = S3Store(connection=Seaweed(proxy.url).connection(), bucket=BUCKET, prefix=prefix)
    proxy.fail(refusal(503, "SlowDown"), method="PUT", times=2)

    stored = put(store, b"speech")

    assert read(stored.url) == b"speech"
    assert [request.split()[0] for request in proxy.requests[:4]] == ["GET", "PUT", "PUT", "PUT"]


def test_a_lasting_503_is_a_storage_failure(proxied: S3Store, proxy: FaultyProxy) -> None:
    proxy.fail(refusal(503, "SlowDown"), method="PUT")

    with pytest.raises(StorageFailed, match=r"failing or overloaded \(SlowDown\); try again"):
        put(proxied, b"speech")


def test_a_403_is_a_storage_failure_at_the_first_attempt(
    proxied: S3Store, proxy: FaultyProxy
) -> None:
    proxy.fail(refusal(403, "AccessDenied"), method="PUT")

    with pytest.raises(StorageFailed, match=r"refused access \(AccessDenied\); check S3_ACCESS"):
        put(proxied, b"speech")

    assert len([request for request in proxy.requests if request.startswith("PUT")]) == 1


def test_repeats_an_upload_whose_connection_broke(proxied: S3Store, proxy: FaultyProxy) -> None:
    audio = os.urandom(3 * MIB)
    proxy.fail(cut_upload(MIB), method="PUT", times=1)

    assert read(put(proxied, audio).url) == audio


def test_an_upload_that_never_completes_stores_nothing(
    proxied: S3Store, store: S3Store, proxy: FaultyProxy
) -> None:
    proxy.fail(cut_upload(MIB), method="PUT")

    with pytest.raises(StorageFailed, match="connection broke"):
        put(proxied, os.urandom(3 * MIB))

    store.claim("speech.ogg", owner="somebody else")


@either_way
def test_an_upload_whose_answer_is_lost_succeeds(
    proxied: S3Store, proxy: FaultyProxy, audio: bytes, last_method: str
) -> None:
    proxy.fail(lost_answer, method=last_method, marked="if-none-match", times=1)

    assert read(put(proxied, audio).url) == audio


@either_way
def test_refuses_a_job_if_another_one_stored_the_key_during_its_upload(
    proxied: S3Store,
    store: S3Store,
    proxy: FaultyProxy,
    prefix: str,
    audio: bytes,
    last_method: str,
) -> None:
    first = []
    proxy.fail(
        meanwhile(lambda: first.append(put(store, b"first", owner="job-1"))),
        method=last_method,
        marked="if-none-match",
        times=1,
    )

    with pytest.raises(Conflict):
        put(proxied, audio, owner="job-2")

    assert read(first[0].url) == b"first"
    assert _open_uploads(proxy, prefix) == []


def test_gives_up_a_key_that_changes_at_every_attempt(
    proxied: S3Store, store: S3Store, proxy: FaultyProxy
) -> None:
    put(store, b"0")
    proxy.fail(meanwhile(lambda: put(store, os.urandom(9))), method="PUT")

    with pytest.raises(StorageFailed, match="written by somebody else"):
        put(proxied, b"speech")


def test_an_upload_in_parts_that_fails_leaves_no_parts(
    proxied: S3Store, proxy: FaultyProxy, prefix: str
) -> None:
    proxy.fail(refusal(403, "AccessDenied"), method="PUT", marked="partNumber=2")

    with pytest.raises(StorageFailed, match="AccessDenied"):
        put(proxied, SENT_IN_PARTS)

    assert _open_uploads(proxy, prefix) == []


@either_way
def test_a_service_without_conditions_keeps_jobs_apart_by_reading_the_key(
    proxied: S3Store, proxy: FaultyProxy, prefix: str, audio: bytes, last_method: str
) -> None:
    for condition in ("if-none-match", "if-match"):
        proxy.fail(refusal(501, "NotImplemented"), method=last_method, marked=condition)

    put(proxied, b"a first try")
    assert read(put(proxied, audio).url) == audio
    with pytest.raises(Conflict):
        put(proxied, audio, owner="job-2")
    assert _open_uploads(proxy, prefix) == []


def test_a_slow_service_is_a_storage_failure(proxy: FaultyProxy) -> None:
    hurried = Seaweed(proxy.url).connection(retry_policy=RetryPolicy(attempts=1, read_seconds=0.3))
    proxy.fail(slow(1.0), method="GET", times=1)

    with pytest.raises(StorageFailed, match="did not answer in time"):
        S3Store(connection=hurried, bucket=BUCKET).claim("speech.ogg", owner="job-1")


def test_a_missing_bucket_is_a_storage_failure_that_names_its_setting(seaweed: Seaweed) -> None:
    store = S3Store(connection=seaweed.connection(), bucket="no-such-bucket")

    assert not store.is_reachable()
    with pytest.raises(StorageFailed, match=r"no such bucket; check S3_BUCKET_NAME"):
        store.claim("speech.ogg", owner="job-1")
    with pytest.raises(StorageFailed, match=r"no such bucket; check S3_BUCKET_NAME"):
        put(store, b"speech")


def test_an_endpoint_that_cannot_be_reached_is_a_storage_failure() -> None:
    nowhere = Seaweed("http://127.0.0.1:9")
    store = S3Store(connection=nowhere.connection(retry_policy=TWO_ATTEMPTS), bucket=BUCKET)

    assert not store.is_reachable()
    with pytest.raises(StorageFailed, match=r"cannot be reached.*check S3_ENDPOINT_URL"):
        store.claim("speech.ogg", owner="job-1")
    with pytest.raises(StorageFailed, match="cannot be reached"):
        put(store, b"speech")


def test_a_redirect_to_another_region_is_explained(proxied: S3Store, proxy: FaultyProxy) -> None:
    proxy.fail(refusal(400, "AuthorizationHeaderMalformed"), method="GET")

    with pytest.raises(StorageFailed, match=r"another region.*S3_REGION"):
        proxied.claim("speech.ogg", owner="job-1")


@pytest.mark.parametrize("status", [200, 404, 418])
def test_a_server_that_is_no_s3_service_is_a_storage_failure(
    proxied: S3Store, proxy: FaultyProxy, status: int
) -> None:
    proxy.fail(refusal(status, "<a web page\n>"), method="GET")

    with pytest.raises(StorageFailed, match="S3"):
        proxied.claim("speech.ogg", owner="job-1")


def test_without_boto3_the_advice_is_to_install_it(
    seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3.exceptions", None)
    store = S3Store(connection=seaweed.connection(), bucket=BUCKET)

    assert not store.is_reachable()
    with pytest.raises(StorageFailed, match=r"needs the package boto3; install"):
        store.claim("speech.ogg", owner="job-1")


def test_content_that_cannot_be_read_is_a_storage_failure(store: S3Store, tmp_path: Path) -> None:
    content = (tmp_path / "write-only").open("wb")
    with content, pytest.raises(StorageFailed):
        store.put("speech.ogg", content, owner="job-1", content_type="audio/ogg")


@pytest.mark.parametrize("bucket", ["", "Not A Bucket!", "x" * 300])
def test_an_impossible_bucket_name_is_a_storage_failure(seaweed: Seaweed, bucket: str) -> None:
    store = S3Store(connection=seaweed.connection(retry_policy=TWO_ATTEMPTS), bucket=bucket)

    assert not store.is_reachable()
    with pytest.raises(StorageFailed):
        store.claim("speech.ogg", owner="job-1")


def test_reports_a_slow_service_as_unreachable_without_waiting_for_it(
    proxied: S3Store, proxy: FaultyProxy
) -> None:
    proxy.fail(slow(10.0), method="HEAD")
    began = time.monotonic()

    assert not proxied.is_reachable()
    assert time.monotonic() - began < 8.0


def test_a_probe_takes_less_than_two_seconds_whatever_the_service_does() -> None:
    longest = PROBE_POLICY.connect_seconds + PROBE_POLICY.read_seconds

    assert PROBE_POLICY.attempts * longest < 2.0


@pytest.mark.parametrize("wrong", ["access_key_id", "secret_access_key"])
def test_wrong_keys_are_refused_and_never_shown(
    seaweed: Seaweed, caplog: pytest.LogCaptureFixture, wrong: str
) -> None:
    caplog.set_level(logging.DEBUG)
    connection = (
        seaweed.connection(access_key_id="wrong-but-still-a-secret")
        if wrong == "access_key_id"
        else seaweed.connection(secret_access_key="wrong-but-still-a-secret")
    )
    store = S3Store(connection=connection, bucket=BUCKET)

    assert not store.is_reachable()
    for attempt in (lambda: store.claim("a.ogg", owner="j"), lambda: put(store, b"speech")):
        with pytest.raises(
            StorageFailed, match=r"refused access.*check S3_ACCESS_KEY_ID"
        ) as failed:
            attempt()
        told = "".join(traceback.format_exception(failed.value))
        for shown in (told, repr(failed.value), repr(store), repr(connection)):
            assert "wrong-but-still-a-secret" not in shown
            assert SECRET_ACCESS_KEY not in shown
    assert SECRET_ACCESS_KEY not in caplog.text
    if wrong == "secret_access_key":
        assert "wrong-but-still-a-secret" not in caplog.text


def _open_uploads(proxy: FaultyProxy, prefix: str) -> list[Any]:
    client = Seaweed(proxy.service_url).connection().client()
    return list(client.list_multipart_uploads(Bucket=BUCKET, Prefix=prefix).get("Uploads", []))
