"""Requests to a model, and what tests often need of its audio."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.model import IndexTTS2Model
from adapters.indextts2.t2s.sampling import CodeSampling
from application.ports.speech_model import SpokenPart
from domain.audio import Samples
from domain.delivery import Delivery, Sampling
from domain.voice import Recording
from tests.tiny_checkpoint.voices import recording

LOW, HIGH = recording("low", 110.0), recording("high", 220.0, rate_hz=44100)
HELLO = "Hello world, this is a tiny test."
SHORT = Sampling(max_mel_tokens=40, diffusion_steps=4)
"""Controls for short audio, in tests that do not depend on them."""


def samplings(longest: int) -> dict[str, CodeSampling]:
    """Return the ways to sample codes, by name, each for ``longest`` codes at most."""
    return {
        "greedy": CodeSampling(num_beams=1, top_k=1, max_mel_tokens=longest),
        "sampled": CodeSampling(num_beams=1, max_mel_tokens=longest),
        "beams": CodeSampling(max_mel_tokens=longest),
    }


def prompts_of(engine: Engine, texts: Sequence[str]) -> list[Tensor]:
    """Return a prompt (1, length, width) for each text, which must be one segment.

    Two voices alternate.
    """
    prompts = []
    with torch.inference_mode():
        for index, text in enumerate(texts):
            voice = engine.frontend.encoder.encode(LOW if index % 2 else HIGH)
            (segment,) = engine.frontend.text.read(text, longest=600, language=None).segments
            emotion = engine.frontend.emotions.own(voice)
            prompts.append(
                engine.synthesizer.prompts.build(
                    segment.ids, latents=voice.latents, emotion=emotion
                )
            )
    return prompts


def parts_of(
    model: IndexTTS2Model,
    *chunks: str,
    voice: Recording = LOW,
    delivery: Delivery | None = None,
) -> list[SpokenPart]:
    return list(model.speak(chunks, voice=voice, delivery=delivery or Delivery(1, sampling=SHORT)))


def audio_of(
    model: IndexTTS2Model,
    *chunks: str,
    voice: Recording = LOW,
    delivery: Delivery | None = None,
) -> Samples:
    return joined(parts_of(model, *chunks, voice=voice, delivery=delivery))


def joined(parts: Iterable[SpokenPart], *, chunk: int | None = None) -> Samples:
    chosen = [part.samples for part in parts if chunk is None or part.chunk == chunk]
    return np.concatenate(chosen)


def same(one: Samples, other: Samples) -> bool:
    return one.shape == other.shape and bool((one == other).all())


def warnings_of(parts: Sequence[SpokenPart]) -> list[str]:
    return [warning.message for part in parts for warning in part.warnings]
