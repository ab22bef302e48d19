"""The loaded model: chunks in, audio out, stage after stage."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from adapters.indextts2.beams import Codes
from adapters.indextts2.conditioning import Listener, Reference
from adapters.indextts2.emotion_vectors import EmotionMixer
from adapters.indextts2.emotion_words import EmotionReader
from adapters.indextts2.flow import CodedSegment, MelDecoder
from adapters.indextts2.generation import CodeGenerator
from adapters.indextts2.latents import LatentReader
from adapters.indextts2.noise import Noise
from adapters.indextts2.prompt import PromptBuilder
from adapters.indextts2.sampling import SamplingPlan, plan_sampling
from adapters.indextts2.schedule import Task, grouped, tasks_of
from adapters.indextts2.text import TextReader, TokenisedText
from adapters.indextts2.vocoder import Vocoder
from application.ports import SpokenPart
from domain.audio import Samples, audible_span
from domain.delivery import Delivery
from domain.emotion import VectorEmotion, WordsEmotion, effective_weights
from domain.errors import InvalidRequest, SynthesisFailed, printable
from domain.voice import SILENT_AMPLITUDE, Recording

_SHOWN_UNKNOWN = 8


@dataclass(frozen=True, slots=True)
class _Request:
    """One request, prepared: everything its segments share."""

    voice: Reference
    emotion: Tensor
    plan: SamplingPlan
    noise: Noise
    texts: Sequence[TokenisedText]


@dataclass(frozen=True, slots=True)
class Stages:
    """The parts of a loaded engine, each behind its own small interface.

    ``noise`` makes a request's chance from its seed. ``longest_segment`` is in text tokens;
    ``segments_at_once`` segments of a request share a batch.
    """

    text: TextReader
    listener: Listener
    emotions: EmotionMixer
    words: EmotionReader
    prompts: PromptBuilder
    generator: CodeGenerator
    latents: LatentReader
    mel_decoder: MelDecoder
    vocoder: Vocoder
    noise: Callable[[int], Noise]
    longest_segment: int
    segments_at_once: int


class Engine:
    """Speaks requests one after the other; holds nothing of a request between two of its parts."""

    def __init__(self, *, stages: Stages) -> None:
        self._stages = stages

    @property
    def longest_segment(self) -> int:
        """How many text tokens a segment may have."""
        return self._stages.longest_segment

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        """See ``application.ports.SpeechModel.speak``; foreign exceptions pass through."""
        plan = plan_sampling(delivery.sampling, longest=self._stages.generator.longest)
        texts = [
            self._stages.text.read(
                chunk, longest=self._stages.longest_segment, language=delivery.language
            )
            for chunk in chunks
        ]
        if chunks and not any(text.segments for text in texts):
            raise InvalidRequest("text", "the model knows no character of it that can be spoken")
        noise = self._stages.noise(delivery.seed)
        reference = self._stages.listener.hear(voice)
        weights = self._weights(chunks, delivery)
        request = _Request(
            voice=reference,
            emotion=self._emotion(reference, weights, delivery, noise),
            plan=plan,
            noise=noise,
            texts=texts,
        )
        found = weights if isinstance(delivery.emotion, WordsEmotion) else None
        for part in self._parts(request):
            yield SpokenPart(
                part.chunk, part.samples, part.ends_chunk, part.warnings, emotion_weights=found
            )
            found = None

    def _weights(self, chunks: Sequence[str], delivery: Delivery) -> tuple[float, ...] | None:
        """The eight weights that reach the model, where the emotion comes by weights."""
        emotion = delivery.emotion
        if isinstance(emotion, VectorEmotion):
            return emotion.effective_weights
        if isinstance(emotion, WordsEmotion):
            words = " ".join(chunks) if emotion.words is None else emotion.words
            return effective_weights(self._stages.words.weigh(words), emotion.alpha)
        return None

    def _emotion(
        self,
        voice: Reference,
        weights: tuple[float, ...] | None,
        delivery: Delivery,
        noise: Noise,
    ) -> Tensor:
        emotion = delivery.emotion
        if weights is not None and isinstance(emotion, VectorEmotion | WordsEmotion):
            drawn_by = noise if emotion.draw_exemplar else None
            return self._stages.emotions.weighted(voice, weights, drawn_by=drawn_by)
        if emotion is not None and delivery.emotion_recording is not None:
            other = self._stages.listener.hear(delivery.emotion_recording)
            return self._stages.emotions.copied(voice, other, alpha=emotion.alpha)
        return self._stages.emotions.own(voice)

    def _parts(self, request: _Request) -> Iterator[SpokenPart]:
        """The parts of all chunks in order; a chunk's warnings stand on its last part."""
        ready = self._spoken(request)
        for chunk, text in enumerate(request.texts):
            warnings = list(_unknown_warning(chunk, text))
            if not text.segments:
                yield SpokenPart(chunk, np.zeros(0, np.float32), True, tuple(warnings))
            for _ in text.segments:
                task, samples, codes = next(ready)
                if not codes.stopped:
                    warnings.append(_cut_warning(chunk, request.plan))
                told = tuple(dict.fromkeys(warnings)) if task.ends_chunk else ()
                yield SpokenPart(chunk, samples, task.ends_chunk, told)

    def _spoken(self, request: _Request) -> Iterator[tuple[Task, Samples, Codes]]:
        for tasks in grouped(tasks_of(request.texts), self._stages.segments_at_once):
            prompts = [
                self._stages.prompts.build(
                    task.segment.ids, latents=request.voice.latents, emotion=request.emotion
                )
                for task in tasks
            ]
            all_codes = self._stages.generator.generate(
                prompts, [task.key for task in tasks], plan=request.plan, noise=request.noise
            )
            audio = self._audio(tasks, prompts, all_codes, request)
            yield from zip(tasks, audio, all_codes, strict=True)

    def _audio(
        self,
        tasks: Sequence[Task],
        prompts: Sequence[Tensor],
        all_codes: Sequence[Codes],
        request: _Request,
    ) -> Iterator[Samples]:
        segments = [
            CodedSegment(task.key, codes.ids, self._stages.latents.read(prompt, codes.ids))
            for task, prompt, codes in zip(tasks, prompts, all_codes, strict=True)
            if len(codes.ids)
        ]
        mels = self._stages.mel_decoder.decode(
            segments, voice=request.voice, plan=request.plan, noise=request.noise
        )
        ready = iter(self._stages.vocoder.speak(mels))
        for task, codes in zip(tasks, all_codes, strict=True):
            if not len(codes.ids):
                raise SynthesisFailed(
                    f"the model said nothing for chunk {task.key.chunk + 1}; try another seed"
                )
            yield _sound(next(ready), chunk=task.key.chunk + 1)


def _sound(samples: Samples, *, chunk: int) -> Samples:
    """``samples`` if they can be listened to."""
    if not np.isfinite(samples).all():
        raise SynthesisFailed(
            f"the model produced broken audio for chunk {chunk};"
            " try another seed, or USE_FP16=false"
        )
    if audible_span(samples, threshold=SILENT_AMPLITUDE) is None:
        raise SynthesisFailed(
            f"the model produced silence for chunk {chunk}; try another seed or another voice"
        )
    return samples


def _unknown_warning(chunk: int, text: TokenisedText) -> Iterator[str]:
    if not text.unknown:
        return
    shown = " ".join(printable(part, limit=20) for part in text.unknown[:_SHOWN_UNKNOWN])
    nothing = "" if text.segments else "; nothing of it can be spoken"
    yield f"chunk {chunk + 1}: the model does not know {shown}{nothing}"


def _cut_warning(chunk: int, plan: SamplingPlan) -> str:
    return (
        f"chunk {chunk + 1} reached max_mel_tokens ({plan.max_mel_tokens}) before it was finished"
        " and may be cut off; use smaller chunks or a higher max_mel_tokens"
    )
