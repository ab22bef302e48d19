"""Codes against the package's own generation, token for token, with the same chance."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from adapters.indextts2.noise import SegmentKey
from adapters.indextts2.t2s.generator import StepwiseGenerator
from adapters.indextts2.t2s.prompt import PromptBuilder
from adapters.indextts2.t2s.sampling import CodeSampling
from adapters.indextts2.t2s.transformer import Transformer
from adapters.indextts2.upstream import bare_package, import_model_classes
from benchmarks.upstream import Said, generated, set_up_generation
from tests.models.indextts2.golden_runs import PackageNoise, with_stop
from tests.models.indextts2.speaking import samplings
from tests.tiny_checkpoint.checkpoint import language_model, language_tensors
from tests.tiny_checkpoint.sizes import MIDDLE, TINY, Sizes
from tests.tiny_checkpoint.values import drawn

SAMPLINGS = tuple(samplings(24).values())
"""Greedy, sampled, and the model's own three beams."""
CLOSE = 1e-4


@dataclass(frozen=True, slots=True)
class Speaker:
    """A random language model, generating both ways with the same weights."""

    model: Any
    sizes: Sizes
    prompts: PromptBuilder
    ours: StepwiseGenerator

    def voice(self, number: int) -> Tensor:
        """Speech features (1, T, C) that nobody has heard: longer ones for higher numbers."""
        return drawn(f"voice {number}", (1, 40 + 15 * number, self.sizes.semantic_width), 1.0)

    def text(self, number: int) -> list[int]:
        """Token ids: 3 to 40 of them."""
        chance = torch.Generator().manual_seed(number)
        length = int(torch.randint(3, 41, (1,), generator=chance))
        return torch.randint(2, 120, (length,), generator=chance).tolist()

    def theirs(self, text: int, voice: int, sampling: CodeSampling) -> Said:
        features = self.voice(voice)
        torch.manual_seed(text)
        return generated(self.model, features, features, self.text(text), sampling)

    def both(
        self, text: int, voice: int, sampling: CodeSampling
    ) -> tuple[list[int], list[int], float]:
        """The package's codes, ours after the same prompt, and how close a call it ever was."""
        said = self.theirs(text, voice, sampling)
        prompt = self.prompts.build(self.text(text), latents=said.voice, emotion=said.emotion)
        noise = PackageNoise(text)
        (codes,) = self.ours.generate([prompt], [SegmentKey(0, 0)], sampling=sampling, noise=noise)
        return said.codes[0].tolist(), with_stop(codes, self.model.stop_mel_token), noise.closest


def speaker(sizes: Sizes) -> Speaker:
    with bare_package():
        model = language_model(import_model_classes(), sizes.model, sizes.semantic_width)
    model.load_state_dict(language_tensors(model, sizes))
    model.eval().requires_grad_(False)
    set_up_generation(model)
    return Speaker(
        model=model,
        sizes=sizes,
        prompts=PromptBuilder(language_model=model, dtype=torch.float32),
        ours=StepwiseGenerator(
            language_model=model, transformer=Transformer(gpt=model.gpt, heads=model.heads)
        ),
    )


@pytest.mark.parametrize(
    ("sizes", "texts", "voices"),
    [pytest.param(TINY, 50, 5, id="tiny"), pytest.param(MIDDLE, 4, 2, id="middle")],
)
def test_codes_are_the_packages_token_for_token(sizes: Sizes, texts: int, voices: int) -> None:
    """Every text in every voice, the plans taking turns: each meets all texts and all voices."""
    speaks = speaker(sizes)
    close_calls, stopped = 0, 0
    with torch.inference_mode():
        for text in range(texts):
            for voice in range(voices):
                sampling = SAMPLINGS[(text + voice) % len(SAMPLINGS)]
                expected, codes, closest = speaks.both(text, voice, sampling)
                stopped += expected[-1] == speaks.model.stop_mel_token
                if codes != expected:
                    assert closest < CLOSE, (text, voice, sampling, expected, codes)
                    close_calls += 1
    print(f"{texts * voices} segments, {stopped} of them stopped: {close_calls} close calls differ")
