"""The sources of a request's emotion, and its strength."""

import math
from dataclasses import dataclass

from domain.voice_choice import VoiceChoice

EMOTIONS = (
    "happy",
    "angry",
    "sad",
    "afraid",
    "disgusted",
    "melancholic",
    "surprised",
    "calm",
)
"""The eight emotions, in the order of the weights that IndexTTS-2 was trained with."""

LARGEST_SUM = 0.8
"""Largest sum of the eight weights.

The model mixes the emotions with (1 - sum) of the speaker's own, so a larger sum leaves little of
the voice, and beyond 1 its share is negative. IndexTTS-2's web page scales its sliders down to the
same number (``normalize_emo_vec`` in its ``infer_v2.py``).
"""


@dataclass(frozen=True, slots=True)
class VectorEmotion:
    """Emotion by eight weights from 0 to 1, in the order of ``EMOTIONS``.

    ``alpha`` is the strength, from 0 to 1. With ``draw_exemplar`` the model draws the example
    recording of each emotion at random; otherwise it takes the one most similar to the voice.

    Raises:
        ValueError: another number of weights, or a weight or strength outside 0 to 1.
    """

    weights: tuple[float, ...]
    alpha: float = 1.0
    draw_exemplar: bool = False

    def __post_init__(self) -> None:
        if len(self.weights) != len(EMOTIONS):
            raise ValueError(f"an emotion vector has {len(EMOTIONS)} weights")
        if not all(0 <= weight <= 1 for weight in self.weights):
            raise ValueError("emotion weights lie between 0 and 1")
        _require_strength(self.alpha)

    @property
    def effective_weights(self) -> tuple[float, ...]:
        """The weights that the model receives; see ``effective_weights``."""
        return effective_weights(self.weights, self.alpha)


@dataclass(frozen=True, slots=True)
class RecordedEmotion:
    """Emotion copied from the recording of ``voice``; ``alpha`` is its strength.

    Raises:
        ValueError: a strength outside 0 to 1.
    """

    voice: VoiceChoice
    alpha: float = 1.0

    def __post_init__(self) -> None:
        _require_strength(self.alpha)


@dataclass(frozen=True, slots=True)
class WordsEmotion:
    """Emotion that a language model finds in ``words``; None means the spoken text itself.

    ``alpha`` and ``draw_exemplar`` are those of ``VectorEmotion``.

    Raises:
        ValueError: a strength outside 0 to 1.
    """

    words: str | None = None
    alpha: float = 1.0
    draw_exemplar: bool = False

    def __post_init__(self) -> None:
        _require_strength(self.alpha)


Emotion = VectorEmotion | RecordedEmotion | WordsEmotion


def effective_weights(weights: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    """Return ``weights`` times ``alpha``, scaled down to a sum of at most ``LARGEST_SUM``.

    The scaling is that of IndexTTS-2's ``normalize_emo_vec``, without its bias.
    """
    scaled = tuple(weight * alpha for weight in weights)
    total = math.fsum(scaled)
    if total <= LARGEST_SUM:
        return scaled
    return tuple(weight * LARGEST_SUM / total for weight in scaled)


def _require_strength(alpha: float) -> None:
    if not 0 <= alpha <= 1:
        raise ValueError("emotion strength lies between 0 and 1")
