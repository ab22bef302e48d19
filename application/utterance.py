"""One request on its way to the loudspeaker: the stream of joined samples, and its report."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from application.ports.speech_model import SpeechModel, SpokenPart
from domain.audio import Samples, audible_span
from domain.delivery import Delivery
from domain.emotion import VectorEmotion
from domain.errors import SynthesisFailed
from domain.joins.join import Join, joiner
from domain.joins.joiner import Joiner
from domain.text.chunking import Chunk
from domain.voice import Recording

Clock = Callable[[], float]
"""Seconds on a clock that only goes forward."""

ChunkWatcher = Callable[[int, int], None]
"""Told after each chunk how many are spoken, and of how many."""

Checkpoint = Callable[[], None]
"""Called after each part of the speech; what it raises ends the speech."""


@dataclass(frozen=True, slots=True)
class SpokenChunk:
    """A chunk and where it is heard, in seconds on the finished audio."""

    index: int
    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds that a request spent: until its first sample, in the model, and in loading it."""

    load: float
    first_audio: float
    synthesis: float


@dataclass(frozen=True, slots=True)
class SpeechReport:
    """What was spoken, and how."""

    engine: str
    device: str
    sample_rate_hz: int
    sample_count: int
    seed: int
    speaker_voice: str
    characters: int
    chunks: tuple[SpokenChunk, ...]
    emotion_weights: tuple[float, ...] | None
    timings: Timings
    warnings: tuple[str, ...]

    @property
    def duration_seconds(self) -> float:
        return self.sample_count / self.sample_rate_hz


@dataclass(slots=True)
class _Progress:
    sample_count: int = 0
    load: float = 0.0
    first_audio: float = 0.0
    synthesis: float = 0.0
    audible_chunks: set[int] = field(default_factory=set)
    emotion_weights: tuple[float, ...] | None = None
    warnings: list[str] = field(default_factory=list)


class Utterance:
    """A planned request: nothing is spoken until ``samples`` is read.

    Args:
        characters: How many the request's text has.
        warnings: What planning found; the model's own are added as they come.
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
        warnings: Sequence[str] = (),
        clock: Clock = time.perf_counter,
    ) -> None:
        self._model = model
        self._characters = characters
        self._chunks = chunks
        self._voice = voice
        self._delivery = delivery
        self._joiner: Joiner = joiner(join, chunks=len(chunks), sample_rate_hz=model.sample_rate_hz)
        self._clock = clock
        self._progress = _Progress(warnings=list(warnings))

    @property
    def sample_rate_hz(self) -> int:
        return self._model.sample_rate_hz

    def samples(
        self, watch: ChunkWatcher | None = None, *, checkpoint: Checkpoint | None = None
    ) -> Generator[Samples, None, None]:
        """Speak, and give out every sample as soon as no later one can change it; once only.

        Closing the generator stops the model.

        Raises:
            SynthesisFailed: the model produced nothing audible, or samples that are not finite.
            InvalidRequest, ModelUnavailable, OutOfMemory: as the model says.
            Whatever ``checkpoint`` raises.
        """
        began = self._clock()
        self._model.load()
        progress = self._progress
        progress.load = self._clock() - began
        with closing(self._spoken_parts()) as parts:
            for part in parts:
                final = self._joiner.push(part.samples)
                if part.ends_chunk:
                    final = np.concatenate((final, self._joiner.end_chunk()))
                if len(final):
                    progress.first_audio = progress.first_audio or self._clock() - began
                    progress.sample_count += len(final)
                    yield final
                if checkpoint:
                    checkpoint()
                if part.ends_chunk and watch:
                    watch(part.chunk + 1, len(self._chunks))
        self._require_speech()

    def report(self) -> SpeechReport:
        """What was spoken; whole once ``samples`` is exhausted."""
        progress = self._progress
        emotion = self._delivery.emotion
        weights = progress.emotion_weights
        if weights is None and isinstance(emotion, VectorEmotion):
            weights = emotion.effective_weights
        return SpeechReport(
            engine=self._model.engine,
            device=self._model.device,
            sample_rate_hz=self.sample_rate_hz,
            sample_count=progress.sample_count,
            seed=self._delivery.seed,
            speaker_voice=self._voice.file,
            characters=self._characters,
            chunks=tuple(
                SpokenChunk(
                    chunk.index,
                    chunk.text,
                    span.start / self.sample_rate_hz,
                    span.end / self.sample_rate_hz,
                )
                for chunk, span in zip(self._chunks, self._joiner.spans, strict=False)
            ),
            emotion_weights=weights,
            timings=Timings(progress.load, progress.first_audio, progress.synthesis),
            warnings=tuple(progress.warnings),
        )

    def _spoken_parts(self) -> Generator[SpokenPart, None, None]:
        """The model's parts, checked and timed."""
        texts = [chunk.text for chunk in self._chunks]
        progress = self._progress
        with closing(
            self._model.speak(texts, voice=self._voice, delivery=self._delivery)
        ) as speaking:
            while True:
                asked = self._clock()
                part = next(speaking, None)
                progress.synthesis += self._clock() - asked
                if part is None:
                    return
                if not np.isfinite(part.samples).all():
                    raise SynthesisFailed("the model produced samples that are not finite")
                if audible_span(part.samples):
                    progress.audible_chunks.add(part.chunk)
                progress.warnings.extend(part.warnings)
                progress.emotion_weights = part.emotion_weights or progress.emotion_weights
                yield part

    def _require_speech(self) -> None:
        audible = self._progress.audible_chunks
        if not audible:
            raise SynthesisFailed("the model produced nothing audible for this text")
        self._progress.warnings.extend(
            f"chunk {chunk.index} is silent: the model found nothing to speak in {chunk.text!r}"
            for chunk in self._chunks
            if chunk.index not in audible
        )
