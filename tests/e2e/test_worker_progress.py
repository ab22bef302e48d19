"""What a batch job's status shows while the job runs, through RunPod's SDK."""

import pytest

from tests.e2e.conftest import Deploy, Deployment
from tests.loopback.runpod_queue import Job

TEXT = (
    "The first of four sentences is spoken."
    " The second one waits until its GATE opens."
    " The third waits for the LATCH of the gate."
    " The last {} ends this text of four."
)
"""Four sentences, no two of which fit into one chunk of 50 characters."""


@pytest.fixture(scope="module")
def worker(deploy: Deploy) -> Deployment:
    return deploy()


@pytest.fixture
def gated(worker: Deployment) -> Deployment:
    """Close the worker's gate."""
    worker.gate.unlink(missing_ok=True)
    return worker


def spoken_to_the_latch(gated: Deployment, last: str) -> Job:
    """Start a job and let it speak two chunks of four, each told before the next is spoken."""
    job = gated.queue.submit({"text": TEXT.format(last), "max_chars_per_chunk": 50})
    gated.queue.wait_until(lambda: len(job.progress) == 1, seconds=60)
    gated.gate.touch()
    gated.queue.wait_until(lambda: len(job.progress) == 2, seconds=60)
    return job


def test_progress_grows_and_ends_with_the_result_alone(gated: Deployment) -> None:
    job = spoken_to_the_latch(gated, "one")
    assert (job.status, job.output) == ("IN_PROGRESS", job.progress[-1])
    gated.gate.write_text("open")
    gated.queue.wait(job)
    gated.assert_works()

    first, second = job.progress
    assert first == {"status": "speaking", "chunks_done": 1, "chunks": 4} | {
        "seconds": first["seconds"]
    }
    assert (second["chunks_done"], second["chunks"]) == (2, 4)
    assert 0 < first["seconds"] < second["seconds"]
    [result] = job.output
    assert result["status"] == "completed"
    assert [post.is_progress for post in job.posts] == [True, True, False, False]


def test_a_job_that_fails_leaves_no_late_progress(gated: Deployment) -> None:
    job = spoken_to_the_latch(gated, "BREAK")
    gated.gate.write_text("open")
    gated.queue.wait(job)
    gated.assert_works()

    assert str(job.error).startswith("synthesis_failed: ")
    assert [post.is_progress for post in job.posts] == [True, True, False]


def test_a_job_that_is_cancelled_leaves_no_late_progress(gated: Deployment) -> None:
    job = spoken_to_the_latch(gated, "one")
    gated.queue.cancel(job)
    following = gated.start({"text": "It gets the engine when the cancelled one gives it back."})
    gated.gate.write_text("open")
    gated.queue.wait(following)

    assert len(job.posts) == 2


def test_a_stream_sends_no_progress(gated: Deployment) -> None:
    gated.gate.write_text("open")
    job = gated.run({"text": TEXT.format("one"), "stream": True})

    assert len(job.pieces) > 3
    assert job.progress == []
