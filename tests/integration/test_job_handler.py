"""The handler without the SDK around it: what a queue cannot show, or only after a minute."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import providers

from entrypoints.container import Container
from entrypoints.settings.settings import WorkerSettings
from entrypoints.worker.job_handler import JobHandler
from tests.models.scripted_worker import ScriptedModel


@pytest.fixture
def container(tmp_path: Path) -> Container:
    wired = Container(
        settings=WorkerSettings(
            object_store="filesystem",
            output_audio_dir=tmp_path / "out",
            audio_voices_dir=tmp_path / "voices",
        )
    )
    model = ScriptedModel(state="ready", gate=tmp_path / "gate")
    wired.model.override(providers.Object(model))
    return wired


async def outputs(handler: JobHandler, job_input: Any, *, job_id: str = "job") -> list[Any]:
    return [dict(item) async for item in handler.handle({"id": job_id, "input": job_input})]


async def cancelled(handler: JobHandler, job_input: Any) -> None:
    task = asyncio.create_task(outputs(handler, job_input))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_an_engine_that_a_cancelled_job_never_gives_back_costs_the_worker(
    container: Container,
) -> None:
    recycled: list[bool] = []
    handler = JobHandler(
        container=container, recycle=lambda: recycled.append(True), patience_seconds=0.2
    )

    async def run() -> list[Any]:
        await cancelled(handler, {"text": "STUCK for ever."})
        return await outputs(handler, {"text": "The next one."})

    [answer] = asyncio.run(run())
    assert answer["error"].startswith("model_unavailable: ")
    assert recycled == [True]


def test_a_cancelled_batch_job_leaves_no_file(container: Container, tmp_path: Path) -> None:
    handler = JobHandler(container=container, recycle=lambda: None)

    async def run() -> list[Any]:
        await cancelled(handler, {"text": "FOREVER silent.", "session_id": "half"})
        return await outputs(handler, {"text": "The next one.", "session_id": "whole"})

    [answer] = asyncio.run(run())
    assert answer["status"] == "completed"
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name[0] != "."] == [
        "whole.ogg"
    ]


@pytest.mark.parametrize("keeps_audio", [False, True])
def test_what_was_given_out_keeps_its_audio_only_where_that_is_wanted(
    container: Container, keeps_audio: bool
) -> None:
    handler = JobHandler(container=container, recycle=lambda: None, keeps_audio=keeps_audio)

    async def run() -> list[Any]:
        job = {"id": "job", "input": {"text": "One. Two.", "stream": True}}
        return [item async for item in handler.handle(job)]

    *pieces, end = asyncio.run(run())
    assert all(("audio_chunk" in piece) == keeps_audio for piece in pieces)
    assert end["total_chunks"] == len(pieces)


def test_an_error_is_always_something_that_can_be_sent(container: Container) -> None:
    handler = JobHandler(container=container, recycle=lambda: None)
    [answer] = asyncio.run(outputs(handler, {"text": "Hello.", "\ud800": 1}))
    assert answer["error"].encode().startswith(b"invalid_request: ")
