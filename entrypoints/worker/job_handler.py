"""What a worker does with one job: every kind of job, every way it can end."""

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing
from functools import partial
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from application.ports.speech_model import ModelState
from domain.errors import (
    Cancelled,
    DeviceLost,
    ModelUnavailable,
    OutOfMemory,
    SpeechError,
    SynthesisFailed,
)
from entrypoints.container import Container
from entrypoints.health import health
from entrypoints.results import BatchResult, StreamEnd, StreamPiece, batch_result, voice_list
from entrypoints.schemas import Question, SpeechInput, parse_job
from entrypoints.streaming import stream_objects
from entrypoints.worker.engine_turns import EngineStuck, EngineTurns, Turn
from entrypoints.worker.thread_stream import thread_stream

log = structlog.get_logger()

PIECES_AHEAD = 2
"""How far the model may be ahead of the network: it works on while a piece is on its way."""

_MACHINES_FAULT = (ModelState.NO_GPU, ModelState.FAILED)
"""States that another machine may not have: a worker that stays takes, and fails, every job."""

Spoken = BatchResult | StreamPiece | StreamEnd


class JobTimedOut(SynthesisFailed):
    """A job took longer than any job may; its engine may never come back."""


class JobHandler:
    """Answers jobs, with one engine that they have by turns.

    Args:
        recycle: Called when the process should be replaced after the job.
        keeps_audio: Leave the audio in the objects that were given out; RunPod keeps them all for
            the job's output, which must not repeat what was streamed.
        patience_seconds: How long a job that was cancelled may still hold the engine.
    """

    def __init__(
        self,
        *,
        container: Container,
        recycle: Callable[[], None],
        keeps_audio: bool = False,
        patience_seconds: float = 60.0,
    ) -> None:
        self._container = container
        self._recycle = recycle
        self._keeps_audio = keeps_audio
        self._patience_seconds = patience_seconds
        self._turns = EngineTurns(patience_seconds=self._patience)

    async def handle(self, job: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Give out the job's objects; a failure is the last of them, ``{"error": ...}``.

        Nothing but a cancellation leaves this generator as an exception: what does would reach
        the client with its traceback.
        """
        job_id = str(job.get("id") or uuid.uuid4().hex)
        clear_contextvars()
        bind_contextvars(job_id=job_id)
        began = time.perf_counter()
        failure = ""
        try:
            async with aclosing(self._answers(job.get("input"), job_id)) as answers:
                async for answer in answers:
                    yield answer
                    if not self._keeps_audio:
                        answer.pop("audio_chunk", None)
        except SpeechError as error:
            failure = self._explained(error)
        except MemoryError:
            failure = self._explained(
                OutOfMemory("the worker ran out of memory; send a shorter text")
            )
        except Exception:
            log.exception("job_crashed")
            failure = str(SpeechError(f"a fault in the worker; its log has it under job {job_id}"))
        else:
            log.info("job_finished", seconds=round(time.perf_counter() - began, 3))
        if failure:  # given out when the error, and all that its frames hold, is let go
            yield {"error": failure}

    def _explained(self, error: SpeechError) -> str:
        is_last_job = self._is_processes_fault(error)
        if is_last_job:
            self._recycle()
        log.warning("job_failed", error=str(error), recycled=is_last_job)
        return str(error)

    async def _answers(
        self, job_input: object, job_id: str
    ) -> AsyncGenerator[dict[str, Any], None]:
        asked = parse_job(job_input, max_text_chars=self._container.settings().max_text_chars)
        if isinstance(asked, Question):
            log.info("job_started", kind=asked.action)
            yield await self._answer(asked)
            return
        log.info("job_started", kind="stream" if asked.stream else "batch")
        async with self._turns.turn(job_id) as turn:
            work = partial(self._speech, asked, job_id, turn)
            async with aclosing(thread_stream(work, ahead=PIECES_AHEAD)) as objects:
                deadline = asyncio.get_running_loop().time() + self._timeout_seconds
                while spoken := await self._next(objects, turn, deadline):
                    yield spoken.model_dump(mode="json")

    async def _next(
        self, objects: AsyncGenerator[Spoken, None], turn: Turn, deadline: float
    ) -> Spoken | None:
        try:
            async with asyncio.timeout_at(deadline) as limit:
                return await anext(objects, None)
        except TimeoutError as error:
            if not limit.expired():
                raise
            turn.fate = "took too long"
            log.error("job_timed_out", seconds=self._timeout_seconds, stack=turn.stack())  # noqa: TRY400 - the thread's place says more
            raise JobTimedOut(
                f"the job was not finished within {self._timeout_seconds:g} s and was ended; send a"
                " shorter text, or set JOB_TIMEOUT_SECONDS and the endpoint's execution timeout to"
                " more"
            ) from error

    @property
    def _timeout_seconds(self) -> float:
        return self._container.settings().job_timeout_seconds

    def _patience(self) -> float:
        """Return how long a job that was left may hold the engine.

        A model that loads is not stuck: no new worker would load it faster.
        """
        if self._container.model().status().state is ModelState.LOADING:
            return max(self._patience_seconds, self._timeout_seconds)
        return self._patience_seconds

    async def _answer(self, question: Question) -> dict[str, Any]:
        container = self._container
        if question.action == "health_check":
            found = await health(
                model=container.model(), store=container.store(), voices=container.voices()
            )
            return found.model_dump(mode="json")
        async with aclosing(thread_stream(self._voices, ahead=1)) as lists:
            return await anext(lists)

    def _voices(self, unwanted: threading.Event) -> Generator[dict[str, Any], None, None]:
        entries = []
        for entry in self._container.references().entries():
            if unwanted.is_set():
                return
            entries.append(entry)
        yield voice_list(entries).model_dump(mode="json", exclude_none=True)

    def _speech(
        self, job_input: SpeechInput, job_id: str, turn: Turn, unwanted: threading.Event
    ) -> Generator[Spoken, None, None]:
        def raise_if_cancelled() -> None:
            if unwanted.is_set():
                raise Cancelled("the job was cancelled")

        request = job_input.to_request()
        speak = self._container.speak()
        with turn.use():
            if job_input.stream:
                utterance = speak.utterance(request)
                yield from stream_objects(
                    utterance, emo_alpha=job_input.emo_alpha, checkpoint=raise_if_cancelled
                )
            else:
                stored = speak.into_store(request, job_id=job_id, checkpoint=raise_if_cancelled)
                yield batch_result(stored, emo_alpha=job_input.emo_alpha)

    def _is_processes_fault(self, error: SpeechError) -> bool:
        if isinstance(error, OutOfMemory | DeviceLost | EngineStuck | JobTimedOut):
            return True
        if not isinstance(error, ModelUnavailable):
            return False
        return self._container.model().status().state in _MACHINES_FAULT
