"""The written answer of the emotion model, read as eight weights.

Source: ``QwenEmotion.convert`` and ``QwenEmotion.inference`` in upstream's code; upstream fails on
some answers that are read here.
"""

import json
import math
import re
from collections.abc import Mapping

from domain.emotion import EMOTIONS

_CHINESE_NAMES = ("高兴", "愤怒", "悲伤", "恐惧", "反感", "低落", "惊讶", "自然")
"""The model's names of the emotions, in the order of ``domain.emotion.EMOTIONS``."""
_SAD, _MELANCHOLIC = EMOTIONS.index("sad"), EMOTIONS.index("melancholic")
_CALM = EMOTIONS.index("calm")
_LARGEST_WEIGHT = 1.2
"""Upstream's ``max_score``."""
_MELANCHOLIC_WORDS = (
    "低落",
    "melancholy",
    "melancholic",
    "depression",
    "depressed",
    "gloomy",
)
"""``QwenEmotion.melancholic_words`` of IndexTTS-2's first release."""
_END_OF_THOUGHT = "</think>"
_SCORE = re.compile(r"([^\s\"'{},:]+)[\"']?\s*[:：]\s*([0-9]*\.?[0-9]+)")


def parse_answer(answer: str, *, text: str) -> tuple[float, ...]:
    """Return eight weights, 0 to 1.2, for any answer; all calm if no emotion can be read from it.

    If ``text``, which the model classified, has a melancholic word, then "sad" and "melancholic"
    are swapped, as in upstream: the model confuses the two.
    """
    scores = _named_scores(answer.rpartition(_END_OF_THOUGHT)[2])
    weights = [_weight(scores.get(name)) for name in _CHINESE_NAMES]
    if any(word in text.lower() for word in _MELANCHOLIC_WORDS):
        weights[_SAD], weights[_MELANCHOLIC] = weights[_MELANCHOLIC], weights[_SAD]
    if not any(weights):
        weights[_CALM] = 1.0
    return tuple(weights)


def _named_scores(answer: str) -> Mapping[str, object]:
    """Return the scores by name: of a JSON object, or else of every "name: number" in the text."""
    try:
        content = json.loads(answer)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        return content
    return {match[1]: match[2] for match in _SCORE.finditer(answer)}


def _weight(score: object) -> float:
    """Return ``score`` clamped to 0 to 1.2, or 0 if it is not a finite number."""
    try:
        number = float(score)  # type: ignore[arg-type]  # anything but a number raises
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(number, 0.0), _LARGEST_WEIGHT) if math.isfinite(number) else 0.0
