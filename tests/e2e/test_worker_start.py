"""The start of a worker, and settings with which it does not start."""

import json
import subprocess
import sys

from tests.e2e.conftest import Deploy, Deployment
from tests.loopback.runpod_queue import LONGEST_WAIT_SECONDS
from tests.loopback.worker_process import ROOT, SCRIPTED, WORKER


def test_the_handler_at_the_root_is_the_same_worker(deploy: Deploy) -> None:
    deployment = deploy("handler.py")
    assert deployment.run({"action": "health_check"}).output[0]["engine"] == "preview"


def test_a_warmed_up_worker_has_spoken_before_its_first_job(deploy: Deploy) -> None:
    deployment = deploy(*SCRIPTED, "--warmup", SCRIPTED_STATE="loading")
    assert deployment.run({"action": "health_check"}).output[0]["status"] == "healthy"
    assert deployment.worker.events("warm_up")


def test_wrong_settings_are_printed_one_a_line(deploy: Deploy) -> None:
    deployment = deploy(*WORKER, TTS_ENGINE="festival", MAX_TEXT_CHARS="many")
    assert deployment.worker.wait() == 2
    first, second = deployment.worker.printed().splitlines()
    assert "TTS_ENGINE" in first
    assert "MAX_TEXT_CHARS" in second


def test_a_worker_without_a_queue_names_the_command_for_a_local_server(deploy: Deploy) -> None:
    deployment = deploy(*WORKER, RUNPOD_WEBHOOK_GET_JOB="")
    assert deployment.worker.wait() == 2
    assert "indextts-runpod serve" in deployment.worker.printed()


def test_no_audio_and_no_text_is_logged(scripted: Deployment) -> None:
    job = scripted.run({"text": "A secret plan is read aloud.", "stream": True})
    assert job.status == "COMPLETED"
    printed = scripted.worker.printed()
    assert "secret plan" not in printed
    assert job.pieces[0]["audio_chunk"][:60] not in printed


def test_the_client_of_runpods_sdk_works(scripted: Deployment) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.loopback.runpod_client"],
        cwd=ROOT,
        env={"RUNPOD_ENDPOINT_BASE_URL": scripted.queue.base_url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as client:
        assert client.stdout
        scripted.wait_until_started(client.stdout.readline().strip())
        output, _ = client.communicate("\n", timeout=LONGEST_WAIT_SECONDS)
    found = json.loads(output.splitlines()[-1])
    assert found["status"] == "COMPLETED"
    assert found["run"][0]["status"] == "completed"
    assert found["cancelled"]["status"] == "CANCELLED"
    assert [piece["status"] for piece in found["stream"]][-1] == "complete"
    assert found["run_sync"][0]["voices"]
    assert found["health"]["jobs"]["completed"] > 0
