"""The parts of a loaded engine, and what one request asks of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from adapters.indextts2.noise import Noise
from adapters.indextts2.reference.emotion import EmotionMixer
from adapters.indextts2.reference.emotion_text import EmotionClassifier
from adapters.indextts2.reference.reference import Reference, ReferenceEncoder
from adapters.indextts2.s2m.mel_decoder import MelDecoder
from adapters.indextts2.t2s.generator import SemanticGenerator
from adapters.indextts2.t2s.latents import LatentReader
from adapters.indextts2.t2s.prompt import PromptBuilder
from adapters.indextts2.t2s.sampling import SamplingPlan
from adapters.indextts2.t2s.text import TextReader, TokenisedText
from adapters.indextts2.vocoder.windowed import Vocoder


@dataclass(frozen=True, slots=True)
class Stages:
    """The parts of a loaded engine, each behind its own small interface.

    ``noise`` makes a request's chance from its seed. ``longest_segment`` is in text tokens;
    ``segments_at_once`` segments of a request share a batch. After ``early_codes`` codes the
    beginning of a request is heard before its first segment is decoded; 0: after all of them.
    """

    text: TextReader
    listener: ReferenceEncoder
    emotions: EmotionMixer
    words: EmotionClassifier
    prompts: PromptBuilder
    generator: SemanticGenerator
    latents: LatentReader
    mel_decoder: MelDecoder
    vocoder: Vocoder
    noise: Callable[[int], Noise]
    longest_segment: int
    segments_at_once: int
    early_codes: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """One request, prepared: everything its segments share."""

    voice: Reference
    emotion: Tensor
    plan: SamplingPlan
    noise: Noise
    texts: Sequence[TokenisedText]
