"""Codes are those of the package's own generation, token for token, with its random numbers."""

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
from benchmarks.upstream import GeneratedCodes, generated, set_up_generation
from tests.models.indextts2.golden_runs import PackageNoise, with_stop
from tests.models.indextts2.speaking import samplings
from tests.tiny_checkpoint.checkpoint import language_model, language_tensors
from tests.tiny_checkpoint.sizes import MIDDLE, TINY, Sizes
from tests.tiny_checkpoint.values import drawn

SAMPLINGS = tuple(samplings(24).values())
"""Greedy, sampled, and three beams, which is the default."""
CLOSE = 1e-4
"""Relative gap in the race for a draw below which rounding may decide it: about 1000 times the
precision of float32."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A random language model, decoded by the package and by our generator."""

    model: Any
    sizes: Sizes
    prompts: PromptBuilder
    ours: StepwiseGenerator

    def voice(self, number: int) -> Tensor:
        """Return random speech features (1, frames, width); a higher ``number`` has more frames."""
        return drawn(f"voice {number}", (1, 40 + 15 * number, self.sizes.semantic_width), 1.0)

    def text(self, number: int) -> list[int]:
        """Return 3 to 40 random token ids."""
        generator = torch.Generator().manual_seed(number)
        length = int(torch.randint(3, 41, (1,), generator=generator))
        return torch.randint(2, 120, (length,), generator=generator).tolist()

    def run_package(self, text: int, voice: int, sampling: CodeSampling) -> GeneratedCodes:
        features = self.voice(voice)
        torch.manual_seed(text)
        return generated(self.model, features, features, self.text(text), sampling)

    def run_both(
        self, text: int, voice: int, sampling: CodeSampling
    ) -> tuple[list[int], list[int], float]:
        """Return the package's codes, our codes after the same prompt, and ``noise.closest``."""
        package = self.run_package(text, voice, sampling)
        prompt = self.prompts.build(self.text(text), latents=package.voice, emotion=package.emotion)
        noise = PackageNoise(text)
        (codes,) = self.ours.generate([prompt], [SegmentKey(0, 0)], sampling=sampling, noise=noise)
        return package.codes[0].tolist(), with_stop(codes, self.model.stop_mel_token), noise.closest


def comparison_of(sizes: Sizes) -> Comparison:
    with bare_package():
        model = language_model(import_model_classes(), sizes.model, sizes.semantic_width)
    model.load_state_dict(language_tensors(model, sizes))
    model.eval().requires_grad_(False)
    set_up_generation(model)
    return Comparison(
        model=model,
        sizes=sizes,
        prompts=PromptBuilder(language_model=model, dtype=torch.float32),
        ours=StepwiseGenerator(
            language_model=model, transformer=Transformer(gpt=model.gpt, heads=model.heads)
        ),
    )


@pytest.mark.parametrize(
    ("sizes", "texts", "voice"),
    [
        *(pytest.param(TINY, 50, voice, id=f"tiny-{voice}") for voice in range(5)),
        *(pytest.param(MIDDLE, 4, voice, id=f"middle-{voice}") for voice in range(2)),
    ],
)
def test_generates_the_codes_of_the_package(sizes: Sizes, texts: int, voice: int) -> None:
    """Each text is generated in each voice, and each way of sampling meets all texts and voices."""
    comparison = comparison_of(sizes)
    close_calls, stopped = 0, 0
    with torch.inference_mode():
        for text in range(texts):
            sampling = SAMPLINGS[(text + voice) % len(SAMPLINGS)]
            expected, codes, closest = comparison.run_both(text, voice, sampling)
            stopped += expected[-1] == comparison.model.stop_mel_token
            if codes != expected:
                assert closest < CLOSE, (text, voice, sampling, expected, codes)
                close_calls += 1
    print(f"{texts} segments, {stopped} of them stopped: {close_calls} close calls differ")
