"""Jobs that fail, through RunPod's SDK: the client gets an error, and the next job works."""

import json
from collections.abc import Mapping

import pytest

from tests.e2e.conftest import Deploy, Deployment
from tests.loopback.runpod_queue import Job
from tests.loopback.runpod_server import DROPPED

SENTENCE = "Here is sentence number {}, and it is nearly fifty long."


def five_chunks(third: str) -> dict[str, object]:
    """Return a request of five chunks, the third of which is ``third``."""
    texts = [third if number == 3 else SENTENCE.format(number) for number in range(1, 6)]
    return {"text": " ".join(texts), "max_chars_per_chunk": 60}


def assert_nothing_leaked(job: Job) -> None:
    """Find no traceback, file name or secret in the posts of ``job``."""
    posted = json.dumps([post.body for post in job.posts])
    assert "Traceback" not in posted
    assert "s3cr3t" not in posted
    assert ".py" not in posted


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("third", "code"),
    [
        ("RAISE is what this third sentence does, with no excuse.", "internal_error"),
        ("BREAK is what this third sentence does, with a reason.", "synthesis_failed"),
    ],
)
def test_a_model_that_raises_at_the_third_chunk_fails_the_job_only(
    scripted: Deployment, third: str, code: str, *, stream: bool
) -> None:
    job = scripted.run(five_chunks(third) | {"stream": stream})
    assert job.status == "FAILED"
    assert job.error is not None
    assert job.error.startswith(f"{code}: ")
    assert "\n" not in job.error
    assert_nothing_leaked(job)
    statuses = {piece["status"] for piece in job.pieces}
    assert statuses == ({"streaming"} if stream else set())
    scripted.assert_works()


def test_the_log_has_the_traceback_of_a_crash_under_the_jobs_id(scripted: Deployment) -> None:
    job = scripted.run({"text": "RAISE."})
    [crash] = [line for line in scripted.worker.events("job_crashed") if line["job_id"] == job.id]
    assert "RuntimeError: CUDA error" in crash["exception"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_worker_without_memory_requests_its_replacement(deploy: Deploy, *, stream: bool) -> None:
    deployment = deploy()
    good = deployment.run({"text": "Before."})
    job = deployment.run(
        five_chunks("MEMORY is what this third sentence needs too much of.") | {"stream": stream}
    )
    assert not good.stops_pod
    assert job.error is not None
    assert job.error.startswith("out_of_memory: ")
    assert job.stops_pod
    assert deployment.worker.wait() == 0


TIMEOUT_SECONDS = 3


@pytest.fixture(scope="module")
def doomed(deploy: Deploy) -> Mapping[str, Deployment]:
    """Start at once the workers that end after one job each; the start takes most of the time."""
    timeout = {"JOB_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS)}
    return {"LOST": deploy(), "STUCK": deploy(**timeout), "WEDGED": deploy(**timeout)}


def test_a_worker_whose_device_is_lost_requests_its_replacement(
    doomed: Mapping[str, Deployment],
) -> None:
    deployment = doomed["LOST"]
    job = deployment.run({"text": "LOST is the device that speaks this."})
    assert job.error is not None
    assert job.error.startswith("synthesis_failed: ")
    assert job.stops_pod
    assert deployment.worker.wait() == 0


def test_a_failed_synthesis_does_not_replace_the_worker(scripted: Deployment) -> None:
    assert not scripted.run({"text": "BREAK."}).stops_pod


def test_a_job_that_takes_too_long_is_ended_and_the_worker_replaced(
    doomed: Mapping[str, Deployment],
) -> None:
    deployment = doomed["STUCK"]
    third = "STUCK is the model at this third of the five sentences."
    job = deployment.run(five_chunks(third) | {"stream": True})
    assert {piece["status"] for piece in job.pieces} == {"streaming"}
    assert job.error is not None
    assert job.error.startswith("synthesis_failed: the job was not finished within 3 s")
    assert "JOB_TIMEOUT_SECONDS" in job.error
    assert job.posts[-1].at - job.taken_at >= TIMEOUT_SECONDS
    assert job.stops_pod
    assert deployment.worker.wait() == 0


def test_a_stopped_worker_ends_even_if_its_model_never_returns(
    doomed: Mapping[str, Deployment],
) -> None:
    deployment = doomed["WEDGED"]
    job = deployment.start({"text": "WEDGED for ever."})
    deployment.worker.ask_to_stop()
    assert deployment.queue.wait(job).status == "FAILED"
    assert deployment.worker.wait() == 0
    [line] = deployment.worker.events("job_timed_out")
    assert "_misbehave" in line["stack"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_cancelled_job_frees_the_engine(scripted: Deployment, *, stream: bool) -> None:
    text = SENTENCE.format(1) + " FOREVER silent is the second of the two sentences."
    job = scripted.start({"text": text, "max_chars_per_chunk": 60, "stream": stream})
    if stream:
        scripted.queue.wait_until(lambda: len(job.pieces) > 0)
    scripted.queue.cancel(job)
    scripted.assert_works()
    assert job.status == "CANCELLED"
    assert not any(post.kind == "job-done" and not post.is_progress for post in job.posts)


def test_a_job_is_cancelled_while_a_piece_is_on_its_way(scripted: Deployment) -> None:
    job = scripted.queue.submit({"text": "Stay here. " * 900, "stream": True})
    scripted.queue.fail_posts("job-stream", 503, times=1, job_id=job.id)
    scripted.queue.wait_until(lambda: len(job.posts) > 0)
    scripted.queue.cancel(job)
    scripted.assert_works()
    assert job.status == "CANCELLED"


def test_a_stopped_worker_finishes_its_job(deploy: Deploy) -> None:
    deployment = deploy()
    job = deployment.start({"text": "GATE holds this job."})
    deployment.worker.ask_to_stop()
    with pytest.raises(AssertionError):
        deployment.queue.wait(job, seconds=1)
    assert deployment.worker.is_alive
    deployment.gate.touch()
    assert deployment.queue.wait(job).status == "COMPLETED"
    assert deployment.worker.wait() == 0


@pytest.mark.parametrize("status", [500, 503])
def test_a_piece_that_the_queue_refuses_is_sent_again(scripted: Deployment, status: int) -> None:
    scripted.queue.fail_posts("job-stream", status, times=1)
    job = scripted.run(five_chunks(SENTENCE.format(3)) | {"stream": True})
    assert job.status == "COMPLETED", job.error
    *pieces, end = job.pieces
    assert [piece["chunk"] for piece in pieces] == list(range(1, end["total_chunks"] + 1))


@pytest.mark.parametrize("status", [429, DROPPED])
def test_a_piece_that_the_sdk_does_not_send_again_leaves_a_gap_in_the_numbers(
    scripted: Deployment, status: int
) -> None:
    scripted.queue.fail_posts("job-stream", status, times=1)
    job = scripted.run(five_chunks(SENTENCE.format(3)) | {"stream": True})
    *pieces, end = job.pieces
    assert [piece["chunk"] for piece in pieces] == list(range(2, end["total_chunks"] + 1))
    scripted.assert_works()


def test_a_result_that_cannot_be_posted_does_not_stop_the_worker(scripted: Deployment) -> None:
    job = scripted.queue.submit({"text": "Lost."})
    fault = scripted.queue.fail_posts("job-done", 503, times=3, job_id=job.id)
    scripted.queue.wait_until(lambda: fault.times == 0)
    scripted.assert_works()
