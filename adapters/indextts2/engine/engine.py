"""The loaded model: chunks in, audio out, stage after stage."""

from collections.abc import Generator, Iterator, Sequence

import numpy as np
from torch import Tensor

from adapters.indextts2.engine.stages import Request, Stages
from adapters.indextts2.engine.synthesis import Synthesizer
from adapters.indextts2.noise import Noise
from adapters.indextts2.reference.reference import Reference
from adapters.indextts2.t2s.sampling import plan_sampling
from adapters.indextts2.t2s.text import TokenisedText
from application.ports.speech_model import SpokenPart
from domain.delivery import Delivery
from domain.emotion import VectorEmotion, WordsEmotion, effective_weights
from domain.errors import InvalidRequest, printable
from domain.voice import Recording

_SHOWN_UNKNOWN = 8


class Engine:
    """Speaks requests one after the other; between two parts of one, another may be spoken."""

    def __init__(self, *, stages: Stages) -> None:
        self._stages = stages
        self._voicing = Synthesizer(stages=stages)

    @property
    def longest_segment(self) -> int:
        """How many text tokens a segment may have."""
        return self._stages.longest_segment

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        """See ``SpeechModel.speak``; foreign exceptions pass through."""
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
        reference = self._stages.listener.encode(voice)
        weights = self._weights(chunks, delivery)
        request = Request(
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
            return effective_weights(self._stages.words.classify(words), emotion.alpha)
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
            other = self._stages.listener.encode(delivery.emotion_recording)
            return self._stages.emotions.copied(voice, other, alpha=emotion.alpha)
        return self._stages.emotions.own(voice)

    def _parts(self, request: Request) -> Iterator[SpokenPart]:
        """The parts of all chunks in order; a chunk's warnings stand on its last part."""
        pieces = self._voicing.pieces(request)
        for chunk, text in enumerate(request.texts):
            warnings = list(_unknown_warning(chunk, text))
            if not text.segments:
                yield SpokenPart(chunk, np.zeros(0, np.float32), True, tuple(warnings))
            spoken = 0
            while spoken < len(text.segments):
                piece = next(pieces)
                spoken += piece.ends_segment
                warnings += piece.warnings
                ends_chunk = spoken == len(text.segments)
                told = tuple(dict.fromkeys(warnings)) if ends_chunk else ()
                yield SpokenPart(chunk, piece.samples, ends_chunk, told)


def _unknown_warning(chunk: int, text: TokenisedText) -> Iterator[str]:
    if not text.unknown:
        return
    shown = " ".join(printable(part, limit=20) for part in text.unknown[:_SHOWN_UNKNOWN])
    nothing = "" if text.segments else "; nothing of it can be spoken"
    yield f"chunk {chunk + 1}: the model does not know {shown}{nothing}"
