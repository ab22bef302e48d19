"""Jobs that go wrong, through RunPod's SDK: the client is told, and the next job works."""

import json

import pytest

from tests.e2e.conftest import Deploy, Deployment
from tests.loopback.runpod_queue import Job
from tests.loopback.runpod_server import DROPPED

SENTENCE = "Here is sentence number {}, and it is nearly fifty long."


def five_chunks(third: str) -> dict[str, object]:
    """A request of five chunks, the third of which is ``third``."""
    texts = [third if number == 3 else SENTENCE.format(number) for number in range(1, 6)]
    return {"text": " ".join(texts), "max_chars_per_chunk": 60}


def assert_nothing_leaked(job: Job) -> None:
    told = json.dumps([post.body for post in job.posts])
    assert "Traceback" not in told
    assert "s3cr3t" not in told
    assert ".py" not in told


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("third", "code"),
    [
        ("RAISE is what this third sentence does, with no excuse.", "internal_error"),
        ("BREAK is what this third sentence does, with a reason.", "synthesis_failed"),
    ],
)
def test_a_model_that_raises_at_the_third_chunk_fails_the_job_only(
    scripted: Deployment, third: str, code: str, stream: bool
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
def test_a_worker_without_memory_asks_to_be_replaced(deploy: Deploy, stream: bool) -> None:
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


@pytest.mark.parametrize("stream", [False, True])
def test_a_cancelled_job_frees_the_engine(scripted: Deployment, stream: bool) -> None:
    text = SENTENCE.format(1) + " FOREVER silent is the second of the two sentences."
    job = scripted.start({"text": text, "max_chars_per_chunk": 60, "stream": stream})
    if stream:
        scripted.queue.wait_until(lambda: len(job.pieces) > 0)
    scripted.queue.cancel(job)
    scripted.assert_works()
    assert job.status == "CANCELLED"
    assert not any(post.kind == "job-done" for post in job.posts)


def test_a_job_is_cancelled_while_a_piece_is_on_its_way(scripted: Deployment) -> None:
    job = scripted.queue.submit({"text": "Stay here. " * 900, "stream": True})
    scripted.queue.fail_posts("job-stream", 503, times=1, job_id=job.id)
    scripted.queue.wait_until(lambda: len(job.posts) > 0)
    scripted.queue.cancel(job)
    scripted.assert_works()
    assert job.status == "CANCELLED"


def test_a_worker_that_is_told_to_stop_finishes_its_job(deploy: Deploy) -> None:
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
def test_a_piece_that_the_sdk_does_not_send_again_leaves_a_gap_that_the_client_sees(
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
