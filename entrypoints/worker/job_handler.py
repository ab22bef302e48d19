"""What a worker does with one job: every kind of job, every way it can end."""

import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from application.ports.speech_model import ModelState
from domain.errors import (
    INTERNAL_ERROR,
    Cancelled,
    ModelUnavailable,
    OutOfMemory,
    SpeechError,
)
from entrypoints.container import Container
from entrypoints.health import health
from entrypoints.results import BatchResult, StreamEnd, StreamPiece, batch_result, voice_list
from entrypoints.schemas import Question, SpeechInput, parse_job
from entrypoints.streaming import stream_objects
from entrypoints.worker.thread_stream import thread_stream

log = structlog.get_logger()

PIECES_AHEAD = 2
"""How far the model may be ahead of the network: it works on while a piece is on its way."""


_MACHINES_FAULT = (ModelState.NO_GPU, ModelState.FAILED)
"""States that another machine may not have: a worker that stays takes, and fails, every job."""


class EngineStuck(ModelUnavailable):
    """A cancelled job holds the engine and does not let go."""


class JobHandler:
    """Answers jobs one after another, with one engine.

    Args:
        recycle: Called when the process should be replaced after the job.
        keeps_audio: Leave the audio in the objects that were given out; RunPod keeps them all for
            the job's output, which must not repeat what was streamed.
        patience_seconds: How long a job waits for an engine that a cancelled job still holds.
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
        self._engine = threading.Lock()

    async def handle(self, job: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Give out the job's objects; a failure is the last of them, ``{"error": ...}``.

        Nothing but a cancellation leaves this generator as an exception: what does would reach
        the client with its traceback.
        """
        clear_contextvars()
        bind_contextvars(job_id=job["id"])
        began = time.perf_counter()
        failure: dict[str, Any] | None = None
        try:
            async with aclosing(self._answers(job)) as answers:
                async for answer in answers:
                    yield answer
                    if not self._keeps_audio:
                        answer.pop("audio_chunk", None)
        except SpeechError as error:
            is_last_job = self._is_processes_fault(error)
            if is_last_job:
                self._recycle()
            log.warning("job_failed", error=str(error), recycled=is_last_job)
            failure = _failure(error.code, error.message)
        except Exception:
            log.exception("job_crashed")
            failure = _failure(
                INTERNAL_ERROR, f"a fault in the worker; its log has it under job {job['id']}"
            )
        else:
            log.info("job_finished", seconds=round(time.perf_counter() - began, 3))
        if failure:  # given out when the error, and all that its frames hold, is let go
            yield failure

    async def _answers(self, job: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        asked = parse_job(job["input"], max_text_chars=self._container.settings().max_text_chars)
        if isinstance(asked, Question):
            log.info("job_started", kind=asked.action)
            yield await self._answer(asked)
            return
        log.info("job_started", kind="stream" if asked.stream else "batch")
        speech = thread_stream(partial(self._speech, asked, str(job["id"])), ahead=PIECES_AHEAD)
        async with aclosing(speech) as objects:
            async for spoken in objects:
                yield spoken.model_dump(mode="json")

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
        entries = list(self._container.references().entries())
        yield voice_list(entries).model_dump(mode="json", exclude_none=True)

    def _speech(
        self, job_input: SpeechInput, job_id: str, unwanted: threading.Event
    ) -> Generator[BatchResult | StreamPiece | StreamEnd, None, None]:
        def raise_if_cancelled() -> None:
            if unwanted.is_set():
                raise Cancelled("the job was cancelled")

        request = job_input.to_request()
        speak = self._container.speak()
        with self._exclusive_engine():
            if job_input.stream:
                utterance = speak.utterance(request)
                yield from stream_objects(
                    utterance, emo_alpha=job_input.emo_alpha, checkpoint=raise_if_cancelled
                )
            else:
                stored = speak.into_store(request, job_id=job_id, checkpoint=raise_if_cancelled)
                yield batch_result(stored, emo_alpha=job_input.emo_alpha)

    def _is_processes_fault(self, error: SpeechError) -> bool:
        if isinstance(error, OutOfMemory | EngineStuck):
            return True
        if not isinstance(error, ModelUnavailable):
            return False
        return self._container.model().status().state in _MACHINES_FAULT

    @contextmanager
    def _exclusive_engine(self) -> Generator[None, None, None]:
        if not self._engine.acquire(timeout=self._patience_seconds):
            raise EngineStuck("the engine is still at work for a cancelled job; send the job again")
        try:
            yield
        finally:
            self._engine.release()


def _failure(code: str, message: str) -> dict[str, Any]:
    """What the SDK takes as a failed job; as UTF-8, which the SDK cannot do without."""
    return {"error": f"{code}: {message}".encode(errors="backslashreplace").decode()}
