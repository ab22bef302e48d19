"""Questions about the server, answered by the application in this process."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dependency_injector import providers
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from application.ports.device_memory import DeviceMemory, MemoryUse
from application.ports.speech_model import ModelState, ModelStatus
from application.ports.weights import WeightBytes
from entrypoints.container import Container
from entrypoints.http.app import build_app
from entrypoints.http.model_watch import ModelWatch
from entrypoints.http.start import Start
from entrypoints.settings.settings import LocalSettings
from entrypoints.worker.startup import tell_unfinished
from tests.fakes.known_memory import KnownMemory
from tests.models.tone import ToneModel


class StatedModel(ToneModel):
    """A tone model in any state; ``holds`` keeps its answer back."""

    def __init__(self, state: ModelState) -> None:
        super().__init__()
        self.state = state
        self.holds: threading.Event | None = None

    def status(self) -> ModelStatus:
        if self.holds:
            self.holds.wait(30)
        return ModelStatus(self.state)


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def client_of(model: ToneModel, folder: Path, *, memory: DeviceMemory | None = None) -> TestClient:
    container = Container(
        settings=LocalSettings(output_audio_dir=folder / "out", audio_voices_dir=folder / "voices")
    )
    container.model.override(providers.Object(model))
    if memory:
        container.device_memory.override(providers.Object(memory))
    return TestClient(build_app(container))


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (ModelState.READY, 200),
        (ModelState.LOADING, 204),
        (ModelState.NOT_LOADED, 204),
        (ModelState.MISSING_WEIGHTS, 503),
        (ModelState.NO_GPU, 503),
        (ModelState.FAILED, 503),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ping_tells_by_its_status_alone_whether_the_model_can_speak(
    tmp_path: Path, state: ModelState, status: int, method: str
) -> None:
    answer = client_of(StatedModel(state), tmp_path).request(method, "/ping")
    assert (answer.status_code, answer.content) == (status, b"")


def test_ping_waits_for_no_model_that_does_not_answer(tmp_path: Path) -> None:
    model = StatedModel(ModelState.READY)
    with client_of(model, tmp_path) as client:
        assert client.get("/ping").status_code == 200
        model.state, model.holds = ModelState.FAILED, threading.Event()
        assert client.get("/ping").status_code == 200
        model.holds.set()
        answers = {client.get("/ping").status_code for _ in range(20)}
    assert 503 in answers


def test_ping_says_loading_until_the_start_has_ended(tmp_path: Path) -> None:
    held = threading.Event()

    class Held(StatedModel):
        def load(self) -> None:
            held.wait(30)

    with client_of(Held(ModelState.MISSING_WEIGHTS), tmp_path) as client:
        assert client.get("/ping").status_code == 204
        held.set()
        until(lambda: client.get("/ping").status_code == 503)


def test_a_server_removes_no_file_of_the_person_who_starts_it(tmp_path: Path) -> None:
    old = tmp_path / "out" / "chapter.ogg"
    old.parent.mkdir()
    old.touch()
    os.utime(old, (0, 0))
    with client_of(ToneModel(), tmp_path) as client:
        until(lambda: client.get("/ping").status_code == 200)
    assert old.exists()


def test_questions_that_overlap_share_one_answer() -> None:
    watch = ModelWatch(StatedModel(ModelState.READY), start=Start(Container()))

    async def ask() -> list[ModelState]:
        return await asyncio.gather(*(watch.state() for _ in range(50)))

    assert set(asyncio.run(ask())) == {ModelState.READY}


def test_health_is_the_answer_that_the_worker_gives(tmp_path: Path) -> None:
    answer = client_of(StatedModel(ModelState.READY), tmp_path).get("/health")
    assert answer.status_code == 200
    assert answer.json()["model"]["state"] == "ready"
    assert answer.json()["voices"]["count"] == 1


def test_health_of_a_server_that_cannot_speak_is_503(tmp_path: Path) -> None:
    answer = client_of(StatedModel(ModelState.NO_GPU), tmp_path).get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")


def test_metrics_count_what_was_spoken_and_refused(tmp_path: Path) -> None:
    client = client_of(ToneModel(), tmp_path)
    spoken = client.post("/v1/audio/speech", json={"input": "Hello.", "response_format": "pcm"})
    client.post("/v1/audio/speech", json={"input": "..."})
    client.post("/v1/audio/speech", json={"input": "Hello.", "voice": "nobody"})
    assert client.get("/metrics").headers["content-type"].startswith("text/plain")
    lines = figures_of(client)
    assert lines['indextts_requests_total{outcome="completed"}'] == "1.0"
    assert lines['indextts_requests_total{outcome="invalid_request"}'] == "1.0"
    assert lines['indextts_requests_total{outcome="unknown_voice"}'] == "1.0"
    assert float(lines["indextts_audio_seconds_total"]) == pytest.approx(
        len(spoken.content) / 2 / 24_000, abs=0.001
    )
    assert lines["indextts_first_audio_seconds_count"] == "1.0"
    assert lines['indextts_model_state{indextts_model_state="ready"}'] == "1.0"
    assert lines["indextts_queue_length"] == lines["indextts_running_requests"] == "0.0"


def figures_of(client: TestClient) -> dict[str, str]:
    lines = client.get("/metrics").text.splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_metrics_tell_the_memory_of_the_models_device(tmp_path: Path) -> None:
    memory = KnownMemory({"cpu": MemoryUse(used_bytes=3, total_bytes=4)})
    figures = figures_of(client_of(ToneModel(), tmp_path, memory=memory))
    assert figures["indextts_gpu_memory_used_bytes"] == "3.0"
    assert figures["indextts_gpu_memory_total_bytes"] == "4.0"


def test_metrics_tell_no_memory_where_there_is_no_gpu(tmp_path: Path) -> None:
    figures = figures_of(client_of(ToneModel(), tmp_path))
    assert not [name for name in figures if "gpu_memory" in name]


def test_the_log_tells_the_first_bytes_that_the_metrics_count(tmp_path: Path) -> None:
    client = client_of(ToneModel(), tmp_path)
    with capture_logs() as lines:
        client.post("/v1/audio/speech", json={"input": "Hello.", "response_format": "pcm"})
    [line] = [line for line in lines if line["event"] == "speech_finished"]
    counted = float(figures_of(client)["indextts_first_audio_seconds_sum"])
    assert line["first_bytes"] == pytest.approx(counted, abs=0.001)
    assert line["first_bytes"] >= line["first_audio"]


def test_a_server_that_stops_tells_how_far_the_weights_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Coming(ToneModel):
        def status(self) -> ModelStatus:
            return ModelStatus(
                ModelState.LOADING, weights=WeightBytes(done=3 * 10**6, total=5 * 10**6)
            )

    container = Container(settings=LocalSettings(checkpoints_dir=tmp_path))
    container.model.override(providers.Object(Coming()))
    tell_unfinished(container, program="server")
    assert "the server stops while they come: 3.0 MB of 5.0 MB" in "".join(capsys.readouterr())
