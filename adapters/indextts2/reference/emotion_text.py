"""Emotion weights out of words, by the small language model that comes with IndexTTS-2."""

import json
import math
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from adapters.indextts2.failures import reading
from adapters.indextts2.weights.state_dicts import fill, read_tensors
from domain.emotion import EMOTIONS
from domain.errors import ModelUnavailable

LONGEST_ANSWER = 256
"""Tokens; an answer names eight emotions with a number each, about 80."""

_INSTRUCTION = "文本情感分类"
_CHINESE_NAMES = ("高兴", "愤怒", "悲伤", "恐惧", "反感", "低落", "惊讶", "自然")
"""What the model answers with, in the order of ``domain.emotion.EMOTIONS``."""
_SAD, _LOW = EMOTIONS.index("sad"), EMOTIONS.index("melancholic")
_CALM = EMOTIONS.index("calm")
_LARGEST_WEIGHT = 1.2
_LOW_WORDS = (
    "低落",
    "melancholy",
    "melancholic",
    "depression",
    "depressed",
    "gloomy",
)
_END_OF_THOUGHT = "</think>"
_REMEMBERED = 64
_SCORE = re.compile(r"([^\s\"'{},:]+)[\"']?\s*[:：]\s*([0-9]*\.?[0-9]+)")


class EmotionClassifier(Protocol):
    """Finds emotions in words."""

    def classify(self, words: str) -> tuple[float, ...]:
        """Eight weights, each 0 to 1.2, in the order of ``domain.emotion.EMOTIONS``."""


class QwenEmotionClassifier:
    """Asks the model in ``folder``; loads it at the first question.

    Raises:
        ModelUnavailable: the model is not there or cannot be loaded.
    """

    def __init__(self, *, folder: Path, device: torch.device) -> None:
        self._folder = folder
        self._device = device
        self._loaded: _Loaded | None = None
        self._known: OrderedDict[str, tuple[float, ...]] = OrderedDict()

    def classify(self, words: str) -> tuple[float, ...]:
        weights = self._known.pop(words, None) or parse_answer(self._ask(words), words=words)
        self._known[words] = weights
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return weights

    def _ask(self, words: str) -> str:
        from transformers import GenerationConfig

        loaded = self._load()
        tokenizer = loaded.tokenizer
        messages = [
            {"role": "system", "content": _INSTRUCTION},
            {"role": "user", "content": words},
        ]
        question = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        read = tokenizer([question], return_tensors="pt").to(self._device)
        # The likeliest answer, not a drawn one: the same words always mean the same emotion.
        settings: Any = GenerationConfig(  # type: ignore[no-untyped-call]
            max_new_tokens=LONGEST_ANSWER,
            do_sample=False,
            eos_token_id=list(loaded.ends),
            pad_token_id=tokenizer.pad_token_id,
        )
        written = loaded.model.generate(**read, generation_config=settings)
        answer: str = tokenizer.decode(
            written[0, read["input_ids"].shape[1] :], skip_special_tokens=True
        )
        return answer

    def _load(self) -> "_Loaded":
        if self._loaded is None:
            from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

            label = f"{self._folder.name}/model.safetensors"
            if not (self._folder / "model.safetensors").is_file():
                raise ModelUnavailable(
                    f"emotion from words needs {label}, which is missing;"
                    " download the weights, or use emo_vector or emo_audio_prompt"
                )
            with reading(f"{self._folder.name}/config.json"):
                config: Any = AutoConfig.from_pretrained(self._folder, local_files_only=True)
                model: Any = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
                    config
                )
            fill(model, read_tensors(self._folder / "model.safetensors", label=label), label=label)
            with reading(f"{self._folder.name}/tokenizer.json"):
                tokenizer: Any = AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
                ends = {tokenizer.eos_token_id, *_as_list(config.eos_token_id)}
            dtype = torch.float16 if self._device.type == "cuda" else torch.float32
            model.to(self._device, dtype).eval().requires_grad_(False)
            self._loaded = _Loaded(tokenizer, model, tuple(ends - {None}))
        return self._loaded


@dataclass(frozen=True, slots=True)
class _Loaded:
    tokenizer: Any
    model: Any
    ends: tuple[int, ...]


def parse_answer(answer: str, *, words: str) -> tuple[float, ...]:
    """Eight weights out of whatever the model wrote; all calm where it wrote nothing useful.

    Words of low spirits swap "sad" and "melancholic", which the model was trained to confuse.
    """
    named = _named_scores(answer.rpartition(_END_OF_THOUGHT)[2])
    weights = [_weight(named.get(name)) for name in _CHINESE_NAMES]
    if any(word in words.lower() for word in _LOW_WORDS):
        weights[_SAD], weights[_LOW] = weights[_LOW], weights[_SAD]
    if not any(weights):
        weights[_CALM] = 1.0
    return tuple(weights)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named_scores(answer: str) -> Mapping[str, object]:
    try:
        content = json.loads(answer)
    except ValueError:
        content = None
    if isinstance(content, dict):
        return content
    return {match[1]: match[2] for match in _SCORE.finditer(answer)}


def _weight(score: object) -> float:
    try:
        number = float(score)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError):
        return 0.0
    return min(max(number, 0.0), _LARGEST_WEIGHT) if math.isfinite(number) else 0.0
