"""What is computed of a request before its first segment is spoken: tokens, voice, emotion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from adapters.indextts2.noise import Noise
from adapters.indextts2.reference.emotion import EmotionMixer
from adapters.indextts2.reference.emotion_text import EmotionClassifier
from adapters.indextts2.reference.reference import Reference, ReferenceEncoder
from adapters.indextts2.s2m.options import FlowOptions, flow_options
from adapters.indextts2.t2s.sampling import CodeSampling, code_sampling
from adapters.indextts2.t2s.text import TextReader, TokenisedText
from domain.delivery import Delivery
from domain.emotion import VectorEmotion, WordsEmotion, effective_weights
from domain.errors import InvalidRequest
from domain.voice import Recording


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRequest:
    """Everything that the segments of one request share.

    ``emotion`` is (1, width of the language model), float32. ``classified_emotion`` holds the eight
    weights that the classifier found in words, else None.
    """

    texts: Sequence[TokenisedText]
    reference: Reference
    emotion: Tensor
    sampling: CodeSampling
    flow: FlowOptions
    noise: Noise
    classified_emotion: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontend:
    """Prepares requests.

    ``noise`` makes a request's random stream from its seed. ``longest_segment`` is in text tokens,
    ``longest_codes`` in semantic codes of a segment.
    """

    text: TextReader
    encoder: ReferenceEncoder
    emotions: EmotionMixer
    classifier: EmotionClassifier
    noise: Callable[[int], Noise]
    longest_segment: int
    longest_codes: int

    def prepare(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> PreparedRequest:
        """Compute what ``SpeechModel.speak`` needs for these arguments.

        Raises:
            InvalidRequest: no chunk has a character of the model's vocabulary, or a control is out
                of the model's range.
        """
        sampling = code_sampling(delivery.sampling, longest=self.longest_codes)
        flow = flow_options(delivery.sampling)
        texts = [
            self.text.read(chunk, longest=self.longest_segment, language=delivery.language)
            for chunk in chunks
        ]
        if chunks and not any(text.segments for text in texts):
            raise InvalidRequest("text", "the model knows no character of it that can be spoken")
        noise = self.noise(delivery.seed)
        reference = self.encoder.encode(voice)
        weights = self._emotion_weights(chunks, delivery)
        return PreparedRequest(
            texts=texts,
            reference=reference,
            emotion=self._emotion(reference, weights, delivery, noise),
            sampling=sampling,
            flow=flow,
            noise=noise,
            classified_emotion=weights if isinstance(delivery.emotion, WordsEmotion) else None,
        )

    def _emotion_weights(
        self, chunks: Sequence[str], delivery: Delivery
    ) -> tuple[float, ...] | None:
        """Return the eight weights that reach the model, or None where no weights are used."""
        emotion = delivery.emotion
        if isinstance(emotion, VectorEmotion):
            return emotion.effective_weights
        if isinstance(emotion, WordsEmotion):
            words = " ".join(chunks) if emotion.words is None else emotion.words
            return effective_weights(self.classifier.classify(words), emotion.alpha)
        return None

    def _emotion(
        self,
        reference: Reference,
        weights: tuple[float, ...] | None,
        delivery: Delivery,
        noise: Noise,
    ) -> Tensor:
        """Return the emotion vector (1, width) of the request."""
        emotion = delivery.emotion
        if weights is not None and isinstance(emotion, VectorEmotion | WordsEmotion):
            drawn_by = noise if emotion.draw_exemplar else None
            return self.emotions.weighted(reference, weights, drawn_by=drawn_by)
        if emotion is not None and delivery.emotion_recording is not None:
            prompt = self.encoder.encode(delivery.emotion_recording)
            return self.emotions.copied(reference, prompt, alpha=emotion.alpha)
        return self.emotions.own(reference)
