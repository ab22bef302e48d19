"""Health checks and other questions to a worker, in every state."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Deploy, Deployment
from tests.loopback.runpod_queue import Job
from tests.loopback.worker_process import SCRIPTED

PROMPT_SECONDS = 2.0
STATES = ("ready", "loading", "missing_weights", "no_gpu")


@pytest.fixture(scope="module")
def asked(deploy: Deploy) -> Mapping[str, tuple[Deployment, Job]]:
    """Start a worker in each state, with a health check as its first job."""
    workers = {state: deploy(SCRIPTED_STATE=state) for state in STATES}
    return {
        state: (worker, worker.queue.submit({"action": "health_check"}))
        for state, worker in workers.items()
    }


def prompt_answer(deployment: Deployment, job: Job) -> dict[str, Any]:
    """Return the answer to ``job``, which must come within ``PROMPT_SECONDS``."""
    deployment.queue.wait(job)
    assert job.posts[-1].at - job.taken_at < PROMPT_SECONDS
    [found] = job.output
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("state", "status", "missing"),
    [
        ("ready", "healthy", []),
        ("loading", "loading", []),
        ("missing_weights", "unhealthy", ["gpt.pth", "s2mel.pth"]),
        ("no_gpu", "unhealthy", []),
    ],
)
def test_health_reports_the_state_of_the_model(
    asked: Mapping[str, tuple[Deployment, Job]], state: str, status: str, missing: list[str]
) -> None:
    answer = prompt_answer(*asked[state])
    assert answer["status"] == status
    assert answer["model"] == {"state": state, "missing_files": missing}
    assert answer["storage"] == {"kind": "filesystem", "reachable": True}
    assert answer["voices"] == {"count": 1}


@pytest.mark.parametrize(("state", "is_replaced"), [("missing_weights", False), ("no_gpu", True)])
def test_a_worker_that_cannot_speak_fails_the_job_and_is_replaced_where_it_lacks_a_gpu(
    asked: Mapping[str, tuple[Deployment, Job]], state: str, *, is_replaced: bool
) -> None:
    deployment, _ = asked[state]
    job = deployment.run({"text": "Can you speak?"})
    assert job.error is not None
    assert job.error.startswith("model_unavailable: ")
    assert job.stops_pod == is_replaced
    if is_replaced:
        assert deployment.worker.wait() == 0
    else:
        assert deployment.run({"action": "health_check"}).output[0]["status"] == "unhealthy"


def test_a_job_that_comes_while_the_model_loads_waits_for_it(
    asked: Mapping[str, tuple[Deployment, Job]],
) -> None:
    deployment, _ = asked["loading"]
    deployment.assert_works()
    job = deployment.queue.submit({"action": "health_check"})
    assert prompt_answer(deployment, job)["status"] == "healthy"


def test_health_is_degraded_when_the_store_cannot_be_written(
    deploy: Deploy, tmp_path: Path
) -> None:
    folder = tmp_path / "output"
    folder.mkdir()
    deployment = deploy(OUTPUT_AUDIO_DIR=str(folder / "audio"))
    deployment.run({"action": "health_check"})
    shutil.rmtree(folder)
    folder.write_text("a file where the folder was")
    answer = prompt_answer(deployment, deployment.queue.submit({"action": "health_check"}))
    assert answer["status"] == "degraded"
    assert answer["storage"] == {"kind": "filesystem", "reachable": False}
    job = deployment.run({"text": "FOREVER would the model speak this."})
    assert str(job.error).startswith("storage_failed: ")


def test_voices_are_listed_with_their_duration(scripted: Deployment) -> None:
    [answer] = scripted.run({"action": "list_voices"}).output
    assert answer == {"voices": [{"name": "default", "file": "default.ogg", "duration": 8.288}]}


def test_the_worker_pings_while_the_model_speaks(scripted: Deployment) -> None:
    job = scripted.start({"text": "FOREVER silent."})
    before = len(scripted.queue.pings)
    scripted.queue.wait_until(
        lambda: any(ping.get("job_id") == job.id for ping in scripted.queue.pings[before:])
    )
    scripted.queue.cancel(job)
    scripted.assert_works()


@pytest.fixture(scope="module")
def unfit(deploy: Deploy) -> Mapping[str, Deployment]:
    """Start workers that can finish no job."""
    return {
        "missing_package": deploy(SCRIPTED_STATE="missing_package"),
        "failed": deploy(*SCRIPTED, "--warmup", SCRIPTED_STATE="failed"),
        "without storage": deploy(OUTPUT_AUDIO_DIR="/dev/null/audio"),
    }


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("missing_package", "model_unavailable"),
        ("failed", "model_unavailable"),
        ("without storage", "storage_failed"),
    ],
)
def test_a_worker_that_no_job_can_use_reports_itself_and_ends(
    unfit: Mapping[str, Deployment], fault: str, reason: str
) -> None:
    assert unfit[fault].worker.wait() == 1
    [ping] = unfit[fault].queue.pings
    assert ping["status"] == "unhealthy"
    assert ping["check"] == "can_work"
    assert reason in ping["reason"]
