"""Workers whose weights are not there yet: they come, or the worker says why they do not."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.indextts2.checkpoint_files import MODEL
from tests.e2e.conftest import Deploy, Deployment
from tests.loopback.hub import LoopbackHub
from tests.loopback.indextts2_hub import GPT, hub_of_checkpoint, wanted_files
from tests.loopback.runpod_queue import LONGEST_WAIT_SECONDS
from tests.loopback.worker_process import WORKER

TOKEN = "hf_a-token-that-stays-secret"
MEL_DECODER = f"{MODEL}/s2mel.pth"
SHORT = {"text": "Hello world, this is a tiny test.", "max_mel_tokens": 20, "seed": 5}
QUESTION = {"action": "health_check"}


@pytest.fixture(scope="module")
def hub(checkpoint: Path) -> Iterator[LoopbackHub]:
    with hub_of_checkpoint(checkpoint).running() as hub:
        hub.token = TOKEN
        yield hub


@pytest.fixture(autouse=True)
def _healed(hub: LoopbackHub) -> Iterator[None]:
    hub.asked.clear()
    yield
    hub.stalls.clear()


def settings(volume: Path, endpoint: str) -> dict[str, str]:
    """Return the environment of a worker on ``volume``, whose hub is the test's."""
    return {
        "TTS_ENGINE": "indextts2",
        "DEVICE": "cpu",
        "CHECKPOINTS_DIR": str(volume / "checkpoints"),
        "AUDIO_VOICES_DIR": str(volume / "voices"),
        "OUTPUT_AUDIO_DIR": str(volume / "output"),
        "HF_HOME": str(volume / "nothing"),
        "HF_ENDPOINT": endpoint,
        "HF_TOKEN": TOKEN,
        "NO_PROXY": "*",
        "OMP_NUM_THREADS": "1",  # tensors this small are done before a second thread is awake
    }


FULL = "resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))"
"""A write past this length fails as one on a full disk does; ``gpt.pth`` is longer."""
READ_ONLY = "ctypes.CDLL(None).prctl(24, 1)"
"""PR_CAPBSET_DROP, CAP_DAC_OVERRIDE: for root too, a folder without write permission is one."""


def limited(limit: str) -> tuple[str, str]:
    """Return the arguments of a worker that runs under ``limit``."""
    start = f"os.execv(sys.executable, [sys.executable, *{WORKER!r}])"
    return ("-c", f"import ctypes, os, resource, sys; {limit}; {start}")


@contextmanager
def read_only(volume: Path) -> Iterator[None]:
    """Take the permission to write from everything in ``volume`` for the block."""
    paths = [volume, *volume.rglob("*")]
    modes = [path.stat().st_mode for path in paths]
    for path, mode in zip(paths, modes, strict=True):
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in zip(paths, modes, strict=True):
            path.chmod(mode)


@pytest.fixture
def writable_output(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the setting of an output folder that is on no read-only volume."""
    return {"OUTPUT_AUDIO_DIR": str(tmp_path_factory.mktemp("output"))}


def until(happened: Callable[[], bool], deployment: Deployment) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while not happened():
        assert time.monotonic() < deadline, deployment.worker.printed()
        time.sleep(0.02)


def size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def told(deployment: Deployment) -> str:
    """Return the lines of the start that were printed."""
    return "\n".join(line["message"] for line in deployment.worker.events("start_up"))


def health_with(deployment: Deployment, done_bytes: int) -> dict[str, Any]:
    """Ask until at least ``done_bytes`` of the weights are there, and return that answer."""
    while True:
        [answer] = deployment.run(QUESTION).output
        assert answer["status"] == answer["model"]["state"] == "loading", answer
        if answer["model"].get("weights", {"done_bytes": 0})["done_bytes"] >= done_bytes:
            found: dict[str, Any] = answer["model"]["weights"]
            return found


def test_an_empty_volume_is_filled_while_a_job_waits_for_it(
    deploy: Deploy, hub: LoopbackHub, tmp_path: Path
) -> None:
    hub.stalls |= {GPT: 1_000_000, MEL_DECODER: 300_000}
    environment = settings(tmp_path, hub.endpoint)
    first = deploy("handler.py", "--warmup", **environment)

    earlier = health_with(first, 1_000_000)
    del hub.stalls[GPT]
    later = health_with(first, len(wanted_files(hub)[GPT]) + 300_000)
    job = first.start(SHORT)
    until(lambda: bool(first.worker.events("job_waits_for_weights")), first)
    hub.stalls.clear()
    first.queue.wait(job)

    assert job.status == "COMPLETED", (job.error, first.worker.printed())
    total = sum(map(len, wanted_files(hub).values()))
    assert earlier["done_bytes"] < later["done_bytes"] < total
    assert earlier["total_bytes"] == later["total_bytes"] == total
    until(lambda: bool(first.worker.events("warm_up")), first)
    kept = (tmp_path / "bootstrap.log").read_text()
    assert f"{MODEL} is in {tmp_path / 'checkpoints'}" in kept
    assert all(line in kept for line in told(first).splitlines())
    assert TOKEN not in first.worker.printed() + kept


def test_a_filled_volume_serves_where_it_is_read_only_and_no_hub_can_be_reached(
    deploy: Deploy, hub: LoopbackHub, tmp_path: Path, writable_output: dict[str, str]
) -> None:
    checkpoints = tmp_path / "checkpoints"
    for name, content in wanted_files(hub).items():
        path = checkpoints / name.removeprefix(f"{MODEL}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    with read_only(tmp_path):
        environment = settings(tmp_path, "http://127.0.0.1:1") | writable_output
        deployment = deploy(*limited(READ_ONLY), **environment)
        job = deployment.run(SHORT)

    assert job.status == "COMPLETED", (job.error, deployment.worker.printed())
    assert f"{MODEL} is in {checkpoints}" in told(deployment)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoints"}


def test_sigterm_while_weights_come_ends_well_and_the_next_start_goes_on(
    deploy: Deploy, hub: LoopbackHub, tmp_path: Path
) -> None:
    hub.stalls[GPT] = 3_000_000
    environment = settings(tmp_path, hub.endpoint)
    stopped = deploy(*WORKER, **environment)
    job = stopped.start(SHORT)
    digest = hashlib.sha256(wanted_files(hub)[GPT]).hexdigest()
    partial = tmp_path / "checkpoints" / ".download" / f"{digest}.partial"
    until(lambda: size_bytes(partial) >= 2_900_000, stopped)

    stopped.worker.ask_to_stop()

    assert stopped.worker.wait(seconds=20) == 0
    assert str(job.error).startswith("model_unavailable: this worker is stopped before its weights")
    assert "the next start goes on where this one stopped" in told(stopped)
    hub.stalls.clear()
    hub.asked.clear()
    deploy(*WORKER, **environment)
    until((tmp_path / "checkpoints" / "gpt.pth").exists, stopped)
    [asked] = [asked for asked in hub.asked if asked.name == GPT]
    assert asked.range is not None
    assert int(asked.range.removeprefix("bytes=").removesuffix("-")) >= 2_900_000


@pytest.fixture
def hindered(
    deploy: Deploy, hub: LoopbackHub, tmp_path: Path, writable_output: dict[str, str]
) -> Iterator[dict[str, Deployment]]:
    """Start workers on empty volumes that cannot be filled."""
    offline = settings(tmp_path / "offline", hub.endpoint) | {"HF_HUB_OFFLINE": "1"}
    fixed = tmp_path / "read-only"
    fixed.mkdir()
    with read_only(fixed):
        yield {
            "offline": deploy(*WORKER, **offline),
            "full": deploy(*limited(FULL), **settings(tmp_path / "full", hub.endpoint)),
            "read-only": deploy(
                *limited(READ_ONLY), **settings(fixed, hub.endpoint) | writable_output
            ),
        }


def test_weights_that_cannot_come_fail_each_job_at_once_with_the_way_out(
    hindered: dict[str, Deployment],
) -> None:
    errors = {name: str(worker.run(SHORT).error) for name, worker in hindered.items()}

    reasons = {
        "offline": "HF_HUB_OFFLINE is set; unset it, or put the files in place",
        "full": "make room, use a larger volume",
        "read-only": "the checkpoints folder cannot be used (permission denied)",
    }
    for name, reason in reasons.items():
        assert errors[name].startswith("model_unavailable: "), errors
        assert reason in errors[name], errors
        [answer] = hindered[name].run(QUESTION).output
        assert (answer["status"], answer["model"]["state"]) == ("unhealthy", "missing_weights")
        assert {"gpt.pth", "s2mel.pth"} <= set(answer["model"]["missing_files"])
        assert reason in told(hindered[name])
