"""Emotion weights from a text, by the small language model that comes with IndexTTS-2."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from adapters.indextts2.failures import reading
from adapters.indextts2.reference.emotion_answer import parse_answer
from adapters.indextts2.weights.state_dicts import fill, read_tensors
from domain.errors import ModelUnavailable

LONGEST_ANSWER = 256
"""In tokens: an answer names eight emotions with a number each, which takes about 80."""

_INSTRUCTION = "文本情感分类"
"""Upstream's system prompt; it means "text emotion classification"."""
_CACHED_TEXTS = 64
"""The last texts whose weights are kept, so that the chunks of a request cost one answer."""


class EmotionClassifier(Protocol):
    """Finds the emotions of a text."""

    def classify(self, text: str) -> tuple[float, ...]:
        """Return eight weights, each 0 to 1.2, in the order of ``domain.emotion.EMOTIONS``.

        Raises:
            ModelUnavailable: The classifier's own model is missing or damaged.
        """


class QwenEmotionClassifier:
    """Classifies a text with the Qwen model in ``folder``, which it loads for the first text.

    Source: ``QwenEmotion`` in upstream's code. Unlike upstream, it decodes greedily, so that a text
    always has the same emotion.
    """

    def __init__(self, *, folder: Path, device: torch.device) -> None:
        """Note where the model is and where it is to run; nothing is loaded yet."""
        self._folder = folder
        self._device = device
        self._loaded: _LoadedModel | None = None
        self._cache: OrderedDict[str, tuple[float, ...]] = OrderedDict()

    def classify(self, text: str) -> tuple[float, ...]:
        weights = self._cache.pop(text, None) or parse_answer(self._answer(text), text=text)
        self._cache[text] = weights
        if len(self._cache) > _CACHED_TEXTS:
            self._cache.popitem(last=False)
        return weights

    def _answer(self, text: str) -> str:
        """Return what the model writes about ``text``."""
        from transformers import GenerationConfig

        loaded = self._load()
        tokenizer = loaded.tokenizer
        messages = [
            {"role": "system", "content": _INSTRUCTION},
            {"role": "user", "content": text},
        ]
        prompt = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        inputs = tokenizer([prompt], return_tensors="pt").to(self._device)  # each (1, tokens)
        config: Any = GenerationConfig(  # type: ignore[no-untyped-call]  # transformers has no types
            max_new_tokens=LONGEST_ANSWER,
            do_sample=False,
            eos_token_id=list(loaded.stop_tokens),
            pad_token_id=tokenizer.pad_token_id,
        )
        output = loaded.model.generate(**inputs, generation_config=config)  # (1, tokens)
        answer: str = tokenizer.decode(
            output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True
        )
        return answer

    def _load(self) -> "_LoadedModel":
        if self._loaded is None:
            self._loaded = _load_model(self._folder, self._device)
        return self._loaded


@dataclass(frozen=True, slots=True)
class _LoadedModel:
    tokenizer: Any
    model: Any
    stop_tokens: tuple[int, ...]


def _load_model(folder: Path, device: torch.device) -> _LoadedModel:
    """Load the model and its tokenizer from ``folder``: float16 on CUDA, float32 elsewhere.

    Raises:
        ModelUnavailable: A file is missing or damaged.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    weights = folder / "model.safetensors"
    label = f"{folder.name}/{weights.name}"
    if not weights.is_file():
        raise ModelUnavailable(
            f"emotion from words needs {label}, which is missing;"
            " download the weights, or use emo_vector or emo_audio_prompt"
        )
    with reading(f"{folder.name}/config.json"):
        config: Any = AutoConfig.from_pretrained(folder, local_files_only=True)
        model: Any = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]  # no types
            config
        )
    fill(model, read_tensors(weights, label=label), label=label)
    with reading(f"{folder.name}/tokenizer.json"):
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        stop_tokens = {tokenizer.eos_token_id, *_as_list(config.eos_token_id)}
    model.to(device, torch.float16 if device.type == "cuda" else torch.float32)
    model.eval().requires_grad_(requires_grad=False)
    return _LoadedModel(tokenizer, model, tuple(stop_tokens - {None}))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
