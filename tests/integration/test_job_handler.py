"""The handler without the SDK around it: what a queue cannot show, or only after a minute."""

import asyncio
import base64
import threading
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import providers
from structlog.testing import capture_logs

from adapters.pyav.decoder import PyavDecoder
from application.ports.speech_model import ModelState, ModelStatus
from application.ports.weights import WeightBytes
from entrypoints.container import Container
from entrypoints.runpod_worker import job_handler
from entrypoints.settings.settings import WorkerSettings
from entrypoints.worker.job_handler import JobHandler
from tests.loopback.seaweed import ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY, Seaweed
from tests.models.scripted_worker import ScriptedModel

Wire = Callable[..., Container]


@pytest.fixture(scope="module")
def decoder() -> PyavDecoder:
    """One decoder for all tests, whose process has started: its start counts as a job's time."""
    decoder = PyavDecoder()
    bundled = files("adapters.filesystem").joinpath("bundled_voices", "default.ogg").read_bytes()
    decoder.decode(bundled, name="default.ogg", limit_seconds=1)
    return decoder


@pytest.fixture
def wire(tmp_path: Path, decoder: PyavDecoder) -> Wire:
    def wired(**settings: Any) -> Container:
        container = Container(
            settings=WorkerSettings(
                object_store="filesystem",
                output_audio_dir=tmp_path / "out",
                audio_voices_dir=tmp_path / "voices",
                **settings,
            )
        )
        model = ScriptedModel(state="ready", gate=tmp_path / "gate")
        container.model.override(providers.Object(model))
        container.decoder.override(providers.Object(decoder))
        return container

    return wired


@pytest.fixture
def container(wire: Wire) -> Container:
    return wire()


def model_of(container: Container) -> ScriptedModel:
    model = container.model()
    assert isinstance(model, ScriptedModel)
    return model


async def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def outputs(handler: JobHandler, job_input: Any, *, job_id: str = "job") -> list[Any]:
    return [dict(item) async for item in handler.handle({"id": job_id, "input": job_input})]


async def cancelled(
    handler: JobHandler, job_input: Any, *, model: ScriptedModel | None = None
) -> None:
    """Start a job and cancel it: once ``model`` has it, else a moment later."""
    task = asyncio.create_task(outputs(handler, job_input))
    if model:
        await until(lambda: model.asked > 0)
    else:
        await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_replaces_a_worker_whose_cancelled_job_keeps_the_engine(
    container: Container,
) -> None:
    recycled: list[bool] = []
    handler = job_handler(container, recycle=lambda: recycled.append(True), release_seconds=0.2)

    async def run() -> list[Any]:
        await cancelled(handler, {"text": "STUCK for ever."}, model=model_of(container))
        return await outputs(handler, {"text": "The next one."})

    [answer] = asyncio.run(run())
    assert answer["error"].startswith(
        "model_unavailable: the engine is still at work for a job that was cancelled"
    )
    assert recycled == [True]


@pytest.mark.parametrize("stream", [False, True])
def test_a_job_that_is_spoken_is_logged_with_its_figures(
    container: Container, *, stream: bool
) -> None:
    handler = job_handler(container, recycle=lambda: None)
    with capture_logs() as logs:
        *_, end = asyncio.run(outputs(handler, {"text": "Hello there.", "stream": stream}))
    [line] = [line for line in logs if line["event"] == "speech_finished"]
    assert line["audio"] == pytest.approx(end["metadata"]["duration"], abs=0.01)
    assert (line["engine"], line["chunks"]) == ("scripted", 1)
    assert line["waited"] >= 0


def test_a_job_behind_one_that_nobody_cancelled_waits_however_long_it_takes(
    container: Container, tmp_path: Path
) -> None:
    recycled: list[bool] = []
    handler = job_handler(container, recycle=lambda: recycled.append(True), release_seconds=0.05)

    async def run() -> list[list[Any]]:
        held = asyncio.create_task(outputs(handler, {"text": "GATE holds this."}, job_id="first"))
        await until(lambda: any(line["event"] == "job_started" for line in logs))
        waiting = asyncio.create_task(outputs(handler, {"text": "After it."}, job_id="second"))
        await until(lambda: any(line["event"] == "job_waits" for line in logs))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        (tmp_path / "gate").touch()
        return [await held, await waiting]

    with capture_logs() as logs:
        [[first], [second]] = asyncio.run(run())
    assert (first["status"], second["status"]) == ("completed", "completed")
    assert recycled == []
    [line] = [line for line in logs if line["event"] == "job_waits"]
    assert (line["waits_for"], line["is_cancelled"]) == ("first", False)


def test_jobs_get_the_engine_in_the_order_in_which_they_came(
    container: Container, tmp_path: Path
) -> None:
    handler = job_handler(container, recycle=lambda: None)
    ended: list[str] = []

    async def ask(text: str, job_id: str) -> None:
        await outputs(handler, {"text": text}, job_id=job_id)
        ended.append(job_id)

    async def run() -> None:
        jobs = [asyncio.create_task(ask("GATE holds this.", "0"))]
        for number in range(1, 6):
            await asyncio.sleep(0)
            jobs.append(asyncio.create_task(ask("Next.", str(number))))
        await asyncio.sleep(0.2)
        (tmp_path / "gate").touch()
        await asyncio.gather(*jobs)

    asyncio.run(run())
    assert ended == ["0", "1", "2", "3", "4", "5"]


def test_a_job_that_is_cancelled_while_it_waits_is_never_spoken(
    container: Container, tmp_path: Path
) -> None:
    handler = job_handler(container, recycle=lambda: None)

    async def run() -> list[Any]:
        held = asyncio.create_task(outputs(handler, {"text": "GATE holds this."}, job_id="held"))
        await asyncio.sleep(0.1)
        await cancelled(handler, {"text": "STUCK if ever spoken."})
        (tmp_path / "gate").touch()
        return [*await held, *await outputs(handler, {"text": "The next one."}, job_id="next")]

    assert [answer["status"] for answer in asyncio.run(run())] == ["completed"] * 2


def test_a_cancelled_job_that_ends_in_time_is_no_failure(container: Container) -> None:
    recycled: list[bool] = []
    handler = job_handler(container, recycle=lambda: recycled.append(True), release_seconds=20)

    async def run() -> list[Any]:
        await cancelled(handler, {"text": "FOREVER silent."}, model=model_of(container))
        return await outputs(handler, {"text": "The next one."})

    [answer] = asyncio.run(run())
    assert answer["status"] == "completed"
    assert recycled == []


def test_the_time_of_a_job_does_not_run_while_it_waits_for_the_engine(
    wire: Wire, tmp_path: Path
) -> None:
    handler = job_handler(wire(job_timeout_seconds=4), recycle=lambda: None)

    async def run() -> list[Any]:
        held = asyncio.create_task(outputs(handler, {"text": "GATE holds this."}, job_id="held"))
        await asyncio.sleep(0.1)
        waiting = asyncio.create_task(outputs(handler, {"text": "GATE too."}, job_id="waiting"))
        await asyncio.sleep(2.5)
        (tmp_path / "gate").touch()
        await held
        (tmp_path / "gate").unlink()
        await asyncio.sleep(2)
        (tmp_path / "gate").touch()
        return await waiting

    [answer] = asyncio.run(run())
    assert answer["status"] == "completed"


@pytest.mark.parametrize("stream", [False, True])
def test_ends_a_job_that_takes_too_long_and_replaces_the_worker(wire: Wire, stream: bool) -> None:
    recycled: list[bool] = []
    handler = job_handler(
        wire(job_timeout_seconds=2),  # the recording is read in that time, and the model asked
        recycle=lambda: recycled.append(True),
        release_seconds=0.1,
    )

    async def run() -> list[list[Any]]:
        late = await outputs(handler, {"text": "STUCK.", "stream": stream}, job_id="late")
        return [late, await outputs(handler, {"text": "After it."})]

    late, after = asyncio.run(run())
    assert late[-1]["error"] == (
        "synthesis_failed: the job was not finished within 2 s and was ended; send a shorter"
        " text, or set JOB_TIMEOUT_SECONDS and the endpoint's execution timeout to more"
    )
    assert after[-1]["error"].startswith(
        "model_unavailable: the engine is still at work for a job that took too long"
    )
    assert recycled == [True, True]


def test_a_job_that_finished_in_time_is_not_ended_for_a_slow_reader(wire: Wire) -> None:
    handler = job_handler(wire(job_timeout_seconds=3), recycle=lambda: None)

    async def run() -> list[str]:
        found = []
        async for item in handler.handle({"id": "a", "input": {"text": "One.", "stream": True}}):
            found.append(item.get("status", "error"))
            if len(found) == 1:
                await asyncio.sleep(3.2)
        return found

    assert asyncio.run(run())[-1] == "complete"


def test_a_job_that_was_cancelled_while_the_model_loads_is_waited_for(
    container: Container, tmp_path: Path
) -> None:
    recycled: list[bool] = []
    model = ScriptedModel(state="", gate=tmp_path / "gate")
    container.model.override(providers.Object(model))
    handler = job_handler(container, recycle=lambda: recycled.append(True), release_seconds=0.1)

    async def run() -> list[Any]:
        await cancelled(handler, {"text": "Too early."})
        return await outputs(handler, {"text": "The next one."})

    [answer] = asyncio.run(run())
    assert answer["status"] == "completed"
    assert recycled == []


def test_a_worker_whose_device_is_lost_fails_every_job_at_once(
    container: Container,
) -> None:
    recycled: list[bool] = []
    handler = job_handler(container, recycle=lambda: recycled.append(True))

    async def run() -> list[Any]:
        question = {"action": "health_check"}
        before = await outputs(handler, question)
        lost = await outputs(handler, {"text": "LOST."})
        after = await outputs(handler, question)
        return [*before, *lost, *after, *await outputs(handler, {"text": "The next one."})]

    before, lost, after, following = asyncio.run(run())
    assert before["status"] == "healthy"
    assert lost["error"].startswith("synthesis_failed: ")
    assert (after["status"], after["model"]["state"]) == ("unhealthy", "failed")
    assert following["error"].startswith("model_unavailable: ")
    assert "must be replaced" in following["error"]
    assert recycled == [True, True]


class ComingModel(ScriptedModel):
    """A model whose weights come, and are here once ``arrived`` is set."""

    def __init__(self, folder: Path) -> None:
        super().__init__(state="ready", gate=folder / "gate")
        self.arrived = False

    def status(self) -> ModelStatus:
        if self.arrived:
            return super().status()
        return ModelStatus(ModelState.LOADING, weights=WeightBytes(3_000_000, 8_000_000))


def test_a_job_waits_while_the_weights_come(container: Container, tmp_path: Path) -> None:
    model = ComingModel(tmp_path)
    container.model.override(providers.Object(model))
    handler = job_handler(container, recycle=lambda: None)

    async def run() -> list[Any]:
        job = asyncio.create_task(outputs(handler, {"text": "Hello."}))
        await until(lambda: any(line["event"] == "job_waits_for_weights" for line in logs))
        assert not job.done()
        model.arrived = True
        return await job

    with capture_logs() as logs:
        [answer] = asyncio.run(run())
    assert answer["status"] == "completed"


def test_weights_that_come_too_late_fail_the_job_and_neither_the_worker_nor_the_next_job(
    wire: Wire, tmp_path: Path
) -> None:
    recycled: list[bool] = []
    container = wire(job_timeout_seconds=4)
    model = ComingModel(tmp_path)
    container.model.override(providers.Object(model))
    handler = job_handler(container, recycle=lambda: recycled.append(True), release_seconds=0.1)

    async def run() -> list[Any]:
        late = await outputs(handler, {"text": "Hello."}, job_id="late")
        model.arrived = True
        return [*late, *await outputs(handler, {"text": "Hello."}, job_id="next")]

    late, following = asyncio.run(run())
    assert late["error"].startswith(
        "model_unavailable: the weights have not come within 4 s: 3.0 MB of 8.0 MB are here; send"
    )
    assert following["status"] == "completed"
    assert recycled == []


def test_a_job_that_is_cancelled_while_the_weights_come_holds_up_no_other(
    container: Container, tmp_path: Path
) -> None:
    model = ComingModel(tmp_path)
    container.model.override(providers.Object(model))
    handler = job_handler(container, recycle=lambda: None, release_seconds=0.1)

    async def run() -> list[Any]:
        await cancelled(handler, {"text": "Too early."})
        model.arrived = True
        return await outputs(handler, {"text": "The next one."})

    [answer] = asyncio.run(run())
    assert answer["status"] == "completed"


def test_memory_that_runs_out_anywhere_is_out_of_memory(container: Container) -> None:
    recycled: list[bool] = []
    handler = job_handler(container, recycle=lambda: recycled.append(True))
    [answer] = asyncio.run(outputs(handler, {"text": "FULL."}))
    assert answer["error"].startswith("out_of_memory: ")
    assert recycled == [True]


@pytest.mark.parametrize(
    ("job", "error"),
    [
        ({"id": "job"}, "invalid_request: input: must be a JSON object"),
        ({"id": "job", "input": None}, "invalid_request: input: must be a JSON object"),
        ({"input": {"text": ""}}, "invalid_request: text: has no letter"),
        ({"id": None, "input": {"text": ""}}, "invalid_request: text: has no letter"),
        ({"id": ["odd"], "input": {"text": ""}}, "invalid_request: text: has no letter"),
    ],
)
def test_a_job_of_an_odd_shape_is_answered(
    container: Container, job: dict[str, Any], error: str
) -> None:
    async def run() -> list[Any]:
        handler = job_handler(container, recycle=lambda: None)
        return [item async for item in handler.handle(job)]

    [answer] = asyncio.run(run())
    assert answer["error"].startswith(error)


@pytest.mark.parametrize("job", [{}, {"id": None}, {"id": 7}, {"id": "\ud800"}])
def test_a_job_without_a_usable_id_is_spoken_all_the_same(
    container: Container, job: dict[str, Any]
) -> None:
    async def run() -> list[Any]:
        handler = job_handler(container, recycle=lambda: None)
        return [item async for item in handler.handle(job | {"input": {"text": "Hello."}})]

    [answer] = asyncio.run(run())
    assert answer["status"] == "completed"


def test_a_store_that_never_answers_delays_neither_health_nor_the_end(
    container: Container,
) -> None:
    class Hanging:
        kind = "filesystem"

        def is_reachable(self) -> bool:
            threading.Event().wait()
            return True

    container.store.override(providers.Object(Hanging()))
    handler = job_handler(container, recycle=lambda: None)

    async def run() -> list[Any]:
        return [(await outputs(handler, {"action": "health_check"}))[0] for _ in range(2)]

    for answer in asyncio.run(run()):  # ends: no thread of the loop's own is left to wait for
        assert answer["status"] == "degraded"


def test_a_cancelled_batch_job_leaves_no_file(container: Container, tmp_path: Path) -> None:
    handler = job_handler(container, recycle=lambda: None)

    async def run() -> list[Any]:
        job = {"text": "FOREVER silent.", "session_id": "half"}
        await cancelled(handler, job, model=model_of(container))
        return await outputs(handler, {"text": "The next one.", "session_id": "whole"})

    [answer] = asyncio.run(run())
    assert answer["status"] == "completed"
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name[0] != "."] == [
        "whole.ogg"
    ]


@pytest.mark.parametrize("keeps_audio", [False, True])
def test_keeps_delivered_audio_only_where_that_is_requested(
    container: Container, keeps_audio: bool
) -> None:
    handler = job_handler(container, recycle=lambda: None, keeps_audio=keeps_audio)

    async def run() -> list[Any]:
        job = {"id": "job", "input": {"text": "One. Two.", "stream": True}}
        return [item async for item in handler.handle(job)]

    *pieces, end = asyncio.run(run())
    assert all(("audio_chunk" in piece) == keeps_audio for piece in pieces)
    assert end["total_chunks"] == len(pieces)


def test_a_store_that_a_job_brings_comes_before_a_folder(wire: Wire, seaweed: Seaweed) -> None:
    handler = job_handler(wire(allow_job_s3=True), recycle=lambda: None)
    job = {
        "id": "brings-a-store",
        "input": {"text": "Kept by the client."},
        "s3Config": {
            "accessId": ACCESS_KEY_ID,
            "accessSecret": SECRET_ACCESS_KEY,
            "bucketName": BUCKET,
            "endpointUrl": f"{seaweed.endpoint_url}/{BUCKET}",
        },
    }

    async def run() -> list[Any]:
        return [item async for item in handler.handle(job)]

    [answer] = asyncio.run(run())
    assert answer["url"].startswith(f"{seaweed.endpoint_url}/{BUCKET}/brings-a-store.ogg?")


def test_every_error_can_be_sent(container: Container) -> None:
    handler = job_handler(container, recycle=lambda: None)
    [answer] = asyncio.run(outputs(handler, {"text": "Hello.", "\ud800": 1}))
    assert answer["error"].encode().startswith(b"invalid_request: ")


@pytest.mark.parametrize("keeps_audio", [True, False])
def test_the_audio_of_an_answer_is_in_its_object_in_the_end(
    container: Container, keeps_audio: bool
) -> None:
    container.store.override(container.inline_store)
    handler = job_handler(container, recycle=lambda: None, keeps_audio=keeps_audio)

    async def run() -> tuple[list[bool], list[Any]]:
        yielded, kept = [], []
        async for answer in handler.handle({"id": "job", "input": {"text": "Hello there."}}):
            yielded.append("audio_base64" in answer)
            kept.append(answer)
        return yielded, kept

    yielded, [result] = asyncio.run(run())
    assert yielded == [keeps_audio]
    assert base64.b64decode(result["audio_base64"], validate=True).startswith(b"OggS")
