"""Speech jobs: each has the engine to itself and must end within its time limit."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, nullcontext
from functools import partial

import structlog

from application.ports.speech_model import SpeechModel
from application.ports.weights import WeightBytes
from application.speak import Speak, StoredSpeech
from application.utterance import Checkpoint
from application.weight_arrival import megabytes
from domain.errors import Cancelled, ModelUnavailable
from entrypoints.engine.figures import figures
from entrypoints.engine.queue import EngineLease
from entrypoints.engine.thread_stream import in_thread
from entrypoints.engine.timed_jobs import TimedJob, TimedJobs
from entrypoints.rendering import batch_result
from entrypoints.results import BatchResult, InlineResult, StreamEnd, StreamPiece
from entrypoints.schemas import SpeechInput
from entrypoints.streaming import stream_objects
from entrypoints.worker.progress import ProgressReporter
from entrypoints.worker.stopping import Stopping

log = structlog.get_logger()

LOOK_SECONDS = 0.25
"""Pause between two looks at weights that come, which takes minutes."""

SpeechAnswer = BatchResult | InlineResult | StreamPiece | StreamEnd


class SpeechJobs:
    """Speaks jobs one after another with the engine of the process.

    Args:
        model: The engine behind ``speak``; while it loads, a cancelled job may hold it longer.
        stopping: Whether the process was asked to stop.
        timeout_seconds: Longest time of a job, from when it has the engine to its last object.
        release_seconds: Longest time that a cancelled job may still hold the engine.
        progress: Sends how far a batch job is; None where no client could see it.
    """

    def __init__(
        self,
        *,
        speak: Speak,
        model: SpeechModel,
        stopping: Stopping,
        timeout_seconds: float,
        release_seconds: float,
        progress: ProgressReporter | None = None,
    ) -> None:
        self._speak = speak
        self._model = model
        self._stopping = stopping
        self._timeout_seconds = timeout_seconds
        self._progress = progress
        self._jobs = TimedJobs(
            model=model, timeout_seconds=timeout_seconds, release_seconds=release_seconds
        )

    async def answers(
        self, job_input: SpeechInput, job_id: str, *, speak: Speak | None = None
    ) -> AsyncGenerator[SpeechAnswer, None]:
        """Speak ``job_input`` as soon as the engine is free, and yield each object of the answer.

        ``speak`` takes the place of the usual one, for a batch job with a store of its own.

        Raises:
            ModelUnavailable: the weights did not come in time, or the process stops before.
            EngineStuck: an earlier job does not release the engine.
            JobTimedOut: the job took longer than ``timeout_seconds``.
            SpeechError: the speech failed; see the subclasses.
        """
        arrived = time.perf_counter()
        async with self._jobs.job(job_id) as job:
            await self._until_weights_are_here(job.deadline)
            waited = round(time.perf_counter() - arrived, 3)
            if job_input.stream:
                work = partial(self._streamed, job_input, job.lease, waited)
                async with aclosing(job.items(work)) as objects:
                    async for answer in objects:
                        yield answer
            else:
                into_store = partial((speak or self._speak).into_store, job_id=job_id)
                yield await self._stored_in_time(into_store, job_input, job_id, job, waited)

    async def _stored_in_time(
        self,
        into_store: Callable[..., StoredSpeech],
        job_input: SpeechInput,
        job_id: str,
        job: TimedJob,
        waited: float,
    ) -> SpeechAnswer:
        """Return the answer to a batch job, after which no progress is sent."""
        watching = self._progress.watching(job_id) if self._progress else nullcontext()
        async with watching as watch:
            work = partial(_stored, partial(into_store, watch=watch), job_input, job.lease, waited)
            async with aclosing(job.items(work)) as objects:
                [answer] = [answer async for answer in objects]
        return answer

    async def _until_weights_are_here(self, deadline: float) -> None:
        """Wait while the weights come, here and not in the engine: a cancelled job leaves at once.

        Raises:
            ModelUnavailable: they did not come before ``deadline``, or the process stops.
        """
        is_told = False
        while weights := (await in_thread(self._model.status)).weights:
            if not is_told:
                log.info("job_waits_for_weights", done=weights.done, total=weights.total)
                is_told = True
            if self._stopping.is_asked:
                raise ModelUnavailable(
                    "this worker is stopped before its weights have come; send the job again"
                )
            left_seconds = deadline - asyncio.get_running_loop().time()
            if left_seconds <= 0:
                raise self._too_late(weights)
            await asyncio.sleep(min(LOOK_SECONDS, left_seconds))

    def _too_late(self, weights: WeightBytes) -> ModelUnavailable:
        return ModelUnavailable(
            f"the weights have not come within {self._timeout_seconds:g} s:"
            f" {megabytes(weights.done)} of {megabytes(weights.total)} are here; send the job again"
            " when health_check says healthy, or let the worker keep its weights on a network"
            " volume or in its image"
        )

    def _streamed(
        self, job_input: SpeechInput, lease: EngineLease, waited: float, cancelled: threading.Event
    ) -> Generator[SpeechAnswer, None, None]:
        request = job_input.to_request()
        with lease.use():
            utterance = self._speak.utterance(request)
            for answer in stream_objects(utterance, checkpoint=_checkpoint(cancelled)):
                if isinstance(answer, StreamEnd):
                    log.info("speech_finished", **figures(utterance.report()), waited=waited)
                yield answer


def _stored(
    into_store: Callable[..., StoredSpeech],
    job_input: SpeechInput,
    lease: EngineLease,
    waited: float,
    cancelled: threading.Event,
) -> Generator[SpeechAnswer, None, None]:
    request = job_input.to_request()
    with lease.use():
        spoken = into_store(request, checkpoint=_checkpoint(cancelled))
        log.info("speech_finished", **figures(spoken.report), waited=waited)
        yield batch_result(spoken)


def _checkpoint(cancelled: threading.Event) -> Checkpoint:
    def raise_if_cancelled() -> None:
        if cancelled.is_set():
            raise Cancelled("the job was cancelled")

    return raise_if_cancelled
