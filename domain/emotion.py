"""Where the emotion of a request comes from, and how strong it is."""

import math
from dataclasses import dataclass

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
"""The order of the eight weights, as IndexTTS-2 was trained."""

LARGEST_SUM = 0.8
"""Beyond this sum the model's own voice is subtracted and speech breaks down; IndexTTS-2's own
web page scales its sliders down to the same figure."""


@dataclass(frozen=True, slots=True)
class VectorEmotion:
    """Emotion by numbers: eight weights of 0 to 1 in the order of ``EMOTIONS``."""

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
        """The weights that reach the model."""
        return effective_weights(self.weights, self.alpha)


@dataclass(frozen=True, slots=True)
class RecordedEmotion:
    """Emotion copied from a recording of the voices folder."""

    voice: str
    alpha: float = 1.0

    def __post_init__(self) -> None:
        _require_strength(self.alpha)


@dataclass(frozen=True, slots=True)
class WordsEmotion:
    """Emotion that a language model reads out of ``words`` (None: the spoken text itself)."""

    words: str | None = None
    alpha: float = 1.0
    draw_exemplar: bool = False

    def __post_init__(self) -> None:
        _require_strength(self.alpha)


Emotion = VectorEmotion | RecordedEmotion | WordsEmotion


def effective_weights(weights: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    """Scale ``weights`` by ``alpha``, then down in proportion until they sum to ``LARGEST_SUM``."""
    scaled = tuple(weight * alpha for weight in weights)
    total = math.fsum(scaled)
    if total <= LARGEST_SUM:
        return scaled
    return tuple(weight * LARGEST_SUM / total for weight in scaled)


def _require_strength(alpha: float) -> None:
    if not 0 <= alpha <= 1:
        raise ValueError("emotion strength lies between 0 and 1")
