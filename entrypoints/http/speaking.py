"""Requests to speak: each waits for the engine, and is spoken into an outbox."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from application.ports.audio import AudioStreamEncoder
from application.ports.speech_model import ModelState, SpeechModel
from application.speak import Speak
from application.speech_report import SpeechReport
from application.utterance import Utterance
from application.weight_arrival import megabytes
from domain.errors import ModelUnavailable, SpeechError
from entrypoints.engine.thread_stream import in_thread
from entrypoints.engine.timed_jobs import TimedJobs
from entrypoints.http.admission import Admission, Place
from entrypoints.http.metrics import SpeechMetrics
from entrypoints.http.outbox import Backlog, Outbox
from entrypoints.http.runpod_limit import RunpodLimit, bytes_per_second
from entrypoints.http.speech_body import SpeechOrder
from entrypoints.http.spoken_items import output_rate_hz, spoken_items

LOOK_SECONDS = 0.25
"""Pause between two looks at a model that loads, which takes seconds."""


@dataclass(slots=True)
class Speech:
    """A request that is being spoken.

    Attributes:
        outbox: What has been spoken.
        utterance: The plan; None until it is made, which is before the first item.
        waited_seconds: Time from the request's arrival to the engine; 0 before that.
    """

    outbox: Outbox
    utterance: Utterance | None = None
    waited_seconds: float = 0.0


class Speaking:
    """Speaks requests in the order in which they are ready, one at a time.

    Args:
        speak: The use case.
        encoder: Makes the bytes.
        model: The engine behind ``speak``.
        jobs: Gives the engine to one request after another.
        admission: Bounds the requests that wait.
        metrics: Learns how long requests wait.
        is_fault: Whether the process should be replaced after an error.
        on_fault: Called after such an error.
        limit: Refuses texts that RunPod's load balancer would cut off; None elsewhere.
    """

    def __init__(
        self,
        *,
        speak: Speak,
        encoder: AudioStreamEncoder,
        model: SpeechModel,
        jobs: TimedJobs,
        admission: Admission,
        metrics: SpeechMetrics,
        is_fault: Callable[[SpeechError], bool],
        on_fault: Callable[[], None],
        limit: RunpodLimit | None = None,
    ) -> None:
        self._speak = speak
        self._encoder = encoder
        self._model = model
        self._jobs = jobs
        self._admission = admission
        self._metrics = metrics
        self._is_fault = is_fault
        self._on_fault = on_fault
        self._limit = limit
        self._backlog = Backlog()

    @asynccontextmanager
    async def speech(self, order: SpeechOrder, request_id: str) -> AsyncGenerator[Speech, None]:
        """Speak ``order`` in a task of its own, which ends with the block at the latest."""
        speech = Speech(Outbox(self._backlog))
        task = asyncio.create_task(self._run(order, request_id, speech))
        try:
            yield speech
        finally:
            task.cancel()
            speech.outbox.close()

    async def _run(self, order: SpeechOrder, request_id: str, speech: Speech) -> None:
        """Fill the outbox of ``speech``; a failure is the end of it."""
        try:
            await self._speak_into(speech, order, request_id)
        except SpeechError as error:
            speech.outbox.end(error)
            if self._is_fault(error):
                self._on_fault()
        except Exception as error:  # noqa: BLE001 - it is raised where the outbox is read
            speech.outbox.end(error)
        else:
            speech.outbox.end()

    async def _speak_into(self, speech: Speech, order: SpeechOrder, request_id: str) -> None:
        async with self._admission.place() as place:
            request = order.job.to_request()
            speech.utterance = utterance = await in_thread(lambda: self._speak.utterance(request))
            if self._limit:
                self._limit.require_speakable(request, bytes_per_second=_rate(order, utterance))
            await self._until_loaded(place)
            async with place.turn(), self._jobs.job(request_id) as job:
                speech.waited_seconds = place.waited_seconds
                self._metrics.waited(speech.waited_seconds)
                work = partial(
                    spoken_items, order, utterance, encoder=self._encoder, lease=job.lease
                )
                async with aclosing(job.items(work)) as items:
                    async for item in items:
                        speech.outbox.put(item)
                        if self._limit and isinstance(item, SpeechReport):
                            self._limit.learn(item, speed=request.speed)

    async def _until_loaded(self, place: Place) -> None:
        """Wait while the model loads.

        Raises:
            ModelUnavailable: its weights are still coming, or it took too long.
        """
        loop = asyncio.get_running_loop()
        while (status := await in_thread(self._model.status)).state is ModelState.LOADING:
            if weights := status.weights:
                raise ModelUnavailable(
                    f"the weights are being fetched: {megabytes(weights.done)} of"
                    f" {megabytes(weights.total)} are here; send the request again later"
                )
            if loop.time() > place.deadline:
                raise ModelUnavailable("the model is loading; send the request again later")
            await asyncio.sleep(LOOK_SECONDS)


def _rate(order: SpeechOrder, utterance: Utterance) -> float:
    """Return the most bytes that a second of audio takes in the response."""
    return bytes_per_second(
        order.stream_format,
        sample_rate_hz=output_rate_hz(order) or utterance.sample_rate_hz,
        bitrate_kbps=order.job.bitrate_kbps,
        is_sse=order.is_sse,
    )
