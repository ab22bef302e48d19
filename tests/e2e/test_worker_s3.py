"""Jobs through RunPod's SDK with the audio in a real S3 service, which fails on purpose."""

import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.audio import BUNDLED_VOICE, decoded_seconds
from tests.e2e.conftest import Deploy, Deployment
from tests.loopback.s3_proxy import Fault, FaultyProxy, cut_upload, refusal, slow
from tests.loopback.seaweed import (
    ACCESS_KEY_ID,
    BUCKET,
    SECRET_ACCESS_KEY,
    Seaweed,
    running_seaweed,
)
from tests.loopback.worker_process import WORKER

URL_SECONDS = 5
DAY_SECONDS = 86_400


@pytest.fixture(scope="module")
def service() -> Iterator[Seaweed]:
    with running_seaweed() as seaweed:
        yield seaweed


@pytest.fixture(scope="module")
def proxy(service: Seaweed) -> Iterator[FaultyProxy]:
    with FaultyProxy(service.endpoint_url) as faulty:
        yield faulty


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the worker's folder, with a file in it that is three days old."""
    folder = tmp_path_factory.mktemp("s3-output")
    (folder / "old.ogg").write_bytes(b"old")
    long_ago = time.time() - 3 * DAY_SECONDS
    os.utime(folder / "old.ogg", (long_ago, long_ago))
    return folder


@pytest.fixture(scope="module")
def at_s3(deploy: Deploy, service: Seaweed, proxy: FaultyProxy, output: Path) -> Deployment:
    """Start a worker that stores through the proxy and fetches voices from the bucket."""
    service.connection().client().put_object(
        Bucket=BUCKET,
        Key="voices/narrators/alice.ogg",
        Body=BUNDLED_VOICE,
    )
    return deploy(
        **Seaweed(proxy.url).environment,
        S3_URL_EXPIRES_SECONDS=str(URL_SECONDS),
        VOICES_S3_URI=f"s3://{BUCKET}/voices",
        VOICES_REFRESH_SECONDS="0",
        ALLOW_JOB_S3="true",
        OUTPUT_AUDIO_DIR=str(output),
    )


def test_the_url_gives_the_audio_until_it_expires(at_s3: Deployment) -> None:
    job = at_s3.run({"text": "Kept in a bucket."})
    [result] = job.output
    with urllib.request.urlopen(result["url"]) as answer:
        assert answer.headers["Content-Type"] == "audio/ogg"
        seconds = decoded_seconds(answer.read())
    assert seconds == pytest.approx(result["metadata"]["duration"], abs=0.01)
    time.sleep(URL_SECONDS + 1)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(result["url"])
    with refused.value as answer:
        assert answer.code == 403


def test_a_session_belongs_to_the_job_that_stored_it(at_s3: Deployment) -> None:
    mine = at_s3.run({"text": "Mine.", "session_id": "owned"}, job_id="owner")
    again = at_s3.run({"text": "Mine again.", "session_id": "owned"}, job_id="owner")
    other = at_s3.run({"text": "FOREVER yours.", "session_id": "owned"}, job_id="thief")
    assert mine.status == again.status == "COMPLETED"
    assert str(other.error).startswith("conflict: ")


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        (refusal(503, "SlowDown"), 2),
        (cut_upload(after_bytes=100), 1),
        (slow(3), 1),
    ],
    ids=["two 503s", "an upload cut in the middle", "a slow endpoint"],
)
def test_a_temporary_fault_only_delays_the_job(
    at_s3: Deployment, proxy: FaultyProxy, fault: Fault, times: int
) -> None:
    proxy.fail(fault, method="PUT", times=times)
    job = at_s3.run({"text": "Send this again."})
    assert job.status == "COMPLETED", job.error


def test_audio_that_cannot_be_stored_is_kept_in_a_file_that_the_error_names(
    at_s3: Deployment, proxy: FaultyProxy, output: Path
) -> None:
    proxy.fail(refusal(403, "AccessDenied"), method="PUT", times=1)
    job = at_s3.run({"text": "This cannot be stored.", "session_id": "not-stored"})
    assert str(job.error).startswith("storage_failed: ")
    assert "not-stored.ogg" in str(job.error)
    assert decoded_seconds((output / "not-stored.ogg").read_bytes()) > 0
    at_s3.assert_works()


def test_the_store_is_checked_before_the_model_speaks(
    at_s3: Deployment, proxy: FaultyProxy
) -> None:
    proxy.fail(refusal(403, "AccessDenied"), method="GET", times=1)
    job = at_s3.run({"text": "FOREVER would the model speak this."})
    assert str(job.error).startswith("storage_failed: ")
    at_s3.assert_works()


def test_old_files_are_removed_and_voices_fetched_before_the_first_job(
    at_s3: Deployment, output: Path
) -> None:
    [answer] = at_s3.run({"action": "list_voices"}).output
    assert {"default", "narrators/alice"} <= {voice["name"] for voice in answer["voices"]}
    assert not (output / "old.ogg").exists()
    [cleanup] = at_s3.worker.events("cleanup")
    assert cleanup["count"] == 1
    at_start, *_ = at_s3.worker.events("voice_sync")
    assert at_start["fetched"] == ["narrators/alice.ogg"]


def test_a_voice_that_was_put_into_the_bucket_later_can_be_named(
    at_s3: Deployment, service: Seaweed
) -> None:
    service.connection().client().put_object(
        Bucket=BUCKET, Key="voices/late/bob.ogg", Body=BUNDLED_VOICE
    )
    job = at_s3.run({"text": "How am I?", "emo_audio_prompt": "late/bob"})
    assert job.status == "COMPLETED", job.error
    *_, sync = at_s3.worker.events("voice_sync")
    assert (sync["fetched"], sync["job_id"]) == (["late/bob.ogg"], job.id)


def test_only_audio_that_could_not_be_stored_stays_in_the_folder(
    at_s3: Deployment, output: Path
) -> None:
    at_s3.assert_works()
    kept = {path.name for path in output.iterdir() if not path.name.startswith(".")}
    assert kept <= {"not-stored.ogg", "refused.ogg"}


def test_no_key_is_posted_or_logged(at_s3: Deployment) -> None:
    job = at_s3.run({"action": "health_check"})
    assert job.output[0]["storage"] == {"kind": "s3", "reachable": True}
    printed = at_s3.worker.printed()
    assert SECRET_ACCESS_KEY not in printed
    assert ACCESS_KEY_ID not in printed
    assert SECRET_ACCESS_KEY not in json.dumps([post.body for post in job.posts])


def s3_config(service: Seaweed, **changes: str) -> dict[str, str]:
    return {
        "accessId": ACCESS_KEY_ID,
        "accessSecret": SECRET_ACCESS_KEY,
        "bucketName": BUCKET,
        "endpointUrl": service.endpoint_url,
    } | changes


def test_a_job_brings_a_store_of_its_own(at_s3: Deployment, service: Seaweed) -> None:
    """The worker's own store is behind the proxy, and the job's is not."""
    job = at_s3.queue.submit({"text": "Kept by the client."}, s3_config=s3_config(service))
    at_s3.queue.wait(job)

    assert job.status == "COMPLETED", job.error
    assert job.output[0]["url"].startswith(service.endpoint_url)
    with urllib.request.urlopen(job.output[0]["url"]) as answer:
        assert decoded_seconds(answer.read()) > 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"accessSecret": "a-wrong-secret"}, "refused access .*check s3Config.accessId"),
        ({"bucketName": "no-such-bucket"}, "no such bucket; check s3Config.bucketName"),
    ],
)
def test_a_store_of_a_job_is_checked_before_the_model_speaks(
    at_s3: Deployment, service: Seaweed, changes: dict[str, str], error: str
) -> None:
    job = at_s3.queue.submit(
        {"text": "FOREVER would the model speak this."}, s3_config=s3_config(service, **changes)
    )
    at_s3.queue.wait(job)
    assert re.match(f"storage_failed: .*{error}", str(job.error))


def test_audio_that_a_jobs_store_refuses_is_kept_by_the_worker(
    at_s3: Deployment, proxy: FaultyProxy
) -> None:
    proxy.fail(refusal(403, "AccessDenied"), method="PUT", times=1)
    job = at_s3.queue.submit(
        {"text": "Refused.", "session_id": "refused"}, s3_config=s3_config(Seaweed(proxy.url))
    )
    at_s3.queue.wait(job)
    assert "kept as refused.ogg in the worker's OUTPUT_AUDIO_DIR" in str(job.error)


def test_no_key_of_a_job_is_posted_or_logged(at_s3: Deployment, service: Seaweed) -> None:
    config = s3_config(service)
    jobs = [
        at_s3.queue.submit({"text": "RAISE an error with a traceback."}, s3_config=config),
        at_s3.queue.submit({"text": "Wrong."}, s3_config=config | {"endpointUrl": "s3"}),
    ]
    errors = [str(at_s3.queue.wait(job).error).partition(":")[0] for job in jobs]
    assert errors == ["internal_error", "invalid_request"]
    seen = at_s3.worker.printed() + json.dumps([post.body for job in jobs for post in job.posts])
    assert ACCESS_KEY_ID not in seen
    assert SECRET_ACCESS_KEY not in seen


def test_a_worker_that_takes_no_store_from_a_job_says_so(
    scripted: Deployment, service: Seaweed
) -> None:
    job = scripted.queue.submit({"text": "Not here."}, s3_config=s3_config(service))
    assert str(scripted.queue.wait(job).error).startswith("invalid_request: s3Config: ")


@pytest.mark.parametrize(
    "fault",
    [{"S3_BUCKET_NAME": "no-such-bucket"}, {"S3_ENDPOINT_URL": "http://127.0.0.1:9"}],
    ids=["a wrong bucket", "an unreachable endpoint"],
)
def test_a_worker_whose_store_is_wrong_reports_itself_and_ends(
    deploy: Deploy, service: Seaweed, fault: dict[str, str]
) -> None:
    deployment = deploy(**(service.environment | fault))
    assert deployment.worker.wait() == 1
    assert "storage_failed" in deployment.queue.pings[-1]["reason"]


def test_a_worker_without_s3_settings_names_the_missing_variables(deploy: Deploy) -> None:
    deployment = deploy(*WORKER, OBJECT_STORE="")
    assert deployment.worker.wait() == 2
    printed = deployment.worker.printed()
    for name in ("S3_BUCKET_NAME", "S3_ENDPOINT_URL", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"):
        assert f"{name}: must be set" in printed


def test_a_store_that_goes_away_degrades_the_worker(deploy: Deploy, service: Seaweed) -> None:
    with FaultyProxy(service.endpoint_url) as gone:
        deployment = deploy(**Seaweed(gone.url).environment)
        deployment.assert_works()
    job = deployment.run({"text": "FOREVER would the model speak this."})
    assert str(job.error).startswith("storage_failed: ")
    assert deployment.run({"action": "health_check"}).output[0]["status"] == "degraded"
    stream = deployment.run({"text": "A stream needs no store.", "stream": True})
    assert stream.status == "COMPLETED", stream.error
