"""One planned request: the stream of its joined samples, and the report of the speech."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from application.measurements import Measurements
from application.ports.audio import TimeStretch
from application.ports.speech_model import SpeechModel, SpokenPart
from application.speech_report import SpeechReport, SpokenChunk, Timings
from domain.audio import Samples
from domain.delivery import Delivery
from domain.emotion import VectorEmotion
from domain.joins.join import Join, joiner
from domain.joins.joiner import ChunkSpan
from domain.text.chunking import Chunk
from domain.voice import Recording
from domain.warnings import SpeechWarning

Clock = Callable[[], float]
"""Returns seconds of a clock that never goes back."""


@dataclass(frozen=True, slots=True)
class SpokenSoFar:
    """Progress of an utterance: chunks, seconds of audio, and seconds that the model took."""

    chunks_done: int
    chunks: int
    seconds: float
    synthesis_seconds: float


ChunkWatcher = Callable[[SpokenSoFar], None]
"""Called after each chunk."""

Checkpoint = Callable[[], None]
"""Called before the speech and after each part of it; an exception that it raises ends it."""


class Utterance:
    """A planned request, spoken while its samples are read.

    It is read once: first all of ``samples``, then ``report``.

    Args:
        model: The speech model; it is not called before the samples are read.
        characters: Number of characters in the request's text.
        chunks: The chunks of the text; their indexes count from 0.
        voice: The recording whose voice speaks.
        delivery: Seed, emotion, sampling and language.
        join: How two chunks are joined.
        stretch: Changes the speed of the joined samples.
        speed: How much faster than spoken they are; at 1 they are not changed.
        emo_alpha: The emotion's strength as the caller gave it, for the report.
        warnings: Warnings of the planning; the report adds those of the model, and repeats none.
        clock: Measures the timings of the report.
    """

    def __init__(
        self,
        *,
        model: SpeechModel,
        characters: int,
        chunks: Sequence[Chunk],
        voice: Recording,
        delivery: Delivery,
        join: Join,
        stretch: TimeStretch,
        speed: float = 1.0,
        emo_alpha: float = 1.0,
        warnings: Sequence[SpeechWarning] = (),
        clock: Clock = time.perf_counter,
    ) -> None:
        self._model = model
        self._characters = characters
        self._chunks = chunks
        self._voice = voice
        self._delivery = delivery
        self._join = join
        self._stretch = stretch
        self._speed = speed
        self._emo_alpha = emo_alpha
        self._warnings = warnings
        self._clock = clock
        self._is_taken = False
        self._report: SpeechReport | None = None

    @property
    def chunk_count(self) -> int:
        """Number of chunks that the text is cut into."""
        return len(self._chunks)

    @property
    def chunk_texts(self) -> tuple[str, ...]:
        """The text of each chunk."""
        return tuple(chunk.text for chunk in self._chunks)

    @property
    def seed(self) -> int:
        """The seed that the request gave, or that was drawn for it."""
        return self._delivery.seed

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the samples in hertz; known before the model is loaded."""
        return self._model.info.sample_rate_hz

    def samples(
        self, watch: ChunkWatcher | None = None, *, checkpoint: Checkpoint | None = None
    ) -> Generator[Samples, None, None]:
        """Speak the chunks and yield each sample as soon as no later one can change it.

        Nothing is spoken before the generator is advanced. Closing it stops the model.

        Yields:
            Arrays of shape (n,), float32, n of 1 or more.

        Raises:
            RuntimeError: the samples were taken before.
            SynthesisFailed: the model produced nothing audible, or samples that are not finite.
            InvalidRequest, ModelUnavailable, OutOfMemory: as ``SpeechModel.speak``.
            Whatever ``checkpoint`` raises.
        """
        if self._is_taken:
            raise RuntimeError("an utterance is spoken once; plan the request again to repeat it")
        self._is_taken = True
        spoken = self._spoken_samples(watch, checkpoint)
        return spoken if self._speed == 1 else self._stretched(spoken)

    def report(self) -> SpeechReport:
        """Return what was spoken.

        Raises:
            RuntimeError: not every sample has been read, or the speech failed or was cancelled.
        """
        if self._report is None:
            raise RuntimeError("an utterance has a report only after all its samples were read")
        return self._report

    def _stretched(self, spoken: Generator[Samples, None, None]) -> Generator[Samples, None, None]:
        with (
            closing(spoken),
            closing(
                self._stretch(spoken, sample_rate_hz=self.sample_rate_hz, speed=self._speed)
            ) as samples,
        ):
            yield from samples

    def _spoken_samples(
        self, watch: ChunkWatcher | None, checkpoint: Checkpoint | None
    ) -> Generator[Samples, None, None]:
        if checkpoint:
            checkpoint()
        began = self._clock()
        self._model.load()
        measured = Measurements(load=self._clock() - began, warnings=list(self._warnings))
        joining = joiner(self._join, chunks=len(self._chunks), sample_rate_hz=self.sample_rate_hz)
        with closing(self._spoken_parts(measured)) as parts:
            for part in parts:
                final = joining.push(part.samples)
                if part.ends_chunk:
                    final = np.concatenate((final, joining.end_chunk()))
                if len(final):
                    measured.first_audio = measured.first_audio or self._clock() - began
                    measured.sample_count += len(final)
                    yield final
                if checkpoint:
                    checkpoint()
                if part.ends_chunk and watch:
                    watch(
                        SpokenSoFar(
                            chunks_done=part.chunk + 1,
                            chunks=len(self._chunks),
                            seconds=measured.sample_count / self.sample_rate_hz / self._speed,
                            synthesis_seconds=measured.synthesis,
                        )
                    )
        measured.require_speech(self._chunks)
        self._report = self._report_of(measured, joining.spans)

    def _spoken_parts(self, measured: Measurements) -> Generator[SpokenPart, None, None]:
        """Yield the model's parts, checked and timed."""
        with closing(
            self._model.speak(self.chunk_texts, voice=self._voice, delivery=self._delivery)
        ) as speaking:
            while True:
                began = self._clock()
                part = next(speaking, None)
                measured.synthesis += self._clock() - began
                if part is None:
                    return
                measured.add(part)
                yield part

    def _report_of(self, measured: Measurements, spans: Sequence[ChunkSpan]) -> SpeechReport:
        emotion = self._delivery.emotion
        weights = measured.emotion_weights
        if weights is None and isinstance(emotion, VectorEmotion):
            weights = emotion.effective_weights
        rate = self.sample_rate_hz * self._speed
        return SpeechReport(
            engine=self._model.info.name,
            device=self._model.info.device,
            sample_rate_hz=self.sample_rate_hz,
            sample_count=max(round(measured.sample_count / self._speed), 1),
            seed=self._delivery.seed,
            speaker_voice=self._voice.file,
            characters=self._characters,
            chunks=tuple(
                SpokenChunk(chunk.index, chunk.text, span.start / rate, span.end / rate)
                for chunk, span in zip(self._chunks, spans, strict=True)
            ),
            emo_alpha=self._emo_alpha,
            emotion_weights=weights,
            timings=Timings(measured.load, measured.first_audio, measured.synthesis),
            warnings=tuple(dict.fromkeys(measured.warnings)),
        )
