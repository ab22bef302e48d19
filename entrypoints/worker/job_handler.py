"""What a worker does with one job: every kind of job, every way it can end."""

import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from application.references import References
from domain.errors import OutOfMemory, SpeechError
from entrypoints.engine.thread_stream import in_thread
from entrypoints.health import Health
from entrypoints.parsing import parse_job
from entrypoints.rendering import voice_list
from entrypoints.results import VoiceList
from entrypoints.schemas import Question, SpeechInput
from entrypoints.worker.job_store import JobStores
from entrypoints.worker.speech_jobs import SpeechJobs

log = structlog.get_logger()

_ONLY_IN_OUTPUT = ("audio_base64",)


class JobHandler:
    """Answers jobs of every kind.

    Args:
        speech: Speaks the jobs that are a synthesis.
        stores: Finds the stores that jobs bring.
        references: The voices that ``list_voices`` lists.
        health: Returns the answer to ``health_check``.
        max_text_chars: Largest number of characters in a text.
        is_worker_fault: Whether the process should be replaced after this error.
        recycle: Called when the process should be replaced after the job.
        keeps_audio: Yield every object with its audio, and leave it there. Without that, the SDK's
            way with them is used: it streams each object as it is yielded, in at most 1 MB, and
            keeps the same object for the job's output. ``audio_chunk`` is taken out after it was
            streamed, because the output must not repeat it; ``audio_base64`` is put in after
            that, because it is too large to be streamed.
    """

    def __init__(
        self,
        *,
        speech: SpeechJobs,
        stores: JobStores,
        references: References,
        health: Callable[[], Awaitable[Health]],
        max_text_chars: int,
        is_worker_fault: Callable[[SpeechError], bool],
        recycle: Callable[[], None],
        keeps_audio: bool = False,
    ) -> None:
        self._speech = speech
        self._stores = stores
        self._references = references
        self._health = health
        self._max_text_chars = max_text_chars
        self._is_worker_fault = is_worker_fault
        self._recycle = recycle
        self._keeps_audio = keeps_audio

    async def handle(self, job: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the job's objects; a failure is the last of them, ``{"error": ...}``.

        Only a cancellation leaves this generator as an exception: the SDK would send any other to
        the client with its traceback.
        """
        job_id = str(job.get("id") or uuid.uuid4().hex)
        clear_contextvars()
        bind_contextvars(job_id=job_id)
        began = time.perf_counter()
        failure = ""
        try:
            async with aclosing(self._answers(job, job_id)) as answers:
                async for answer in answers:
                    if self._keeps_audio:
                        yield answer
                        continue
                    kept = {name: answer.pop(name) for name in _ONLY_IN_OUTPUT if name in answer}
                    yield answer
                    answer.update(kept)
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
        if failure:  # yielded out here, where the error and what its frames hold is freed already
            yield {"error": failure}

    def _explained(self, error: SpeechError) -> str:
        is_last_job = self._is_worker_fault(error)
        if is_last_job:
            self._recycle()
        log.warning("job_failed", error=str(error), recycled=is_last_job)
        return str(error)

    async def _answers(
        self, job: dict[str, Any], job_id: str
    ) -> AsyncGenerator[dict[str, Any], None]:
        parsed = parse_job(job.get("input"), max_text_chars=self._max_text_chars)
        is_stored = isinstance(parsed, SpeechInput) and not parsed.stream
        speak = self._stores.speak_of(job, is_stored=is_stored)
        if isinstance(parsed, Question):
            log.info("job_started", kind=parsed.action)
            yield await self._answer(parsed)
            return
        log.info("job_started", kind="stream" if parsed.stream else "batch")
        async with aclosing(self._speech.answers(parsed, job_id, speak=speak)) as answers:
            async for answer in answers:
                yield answer.model_dump(mode="json")

    async def _answer(self, question: Question) -> dict[str, Any]:
        if question.action == "health_check":
            return (await self._health()).model_dump(mode="json", exclude_none=True)
        voices = await in_thread(self._voice_list)
        return voices.model_dump(mode="json", exclude_none=True)

    def _voice_list(self) -> VoiceList:
        return voice_list(self._references.entries())
