"""Text-to-semantic: from prompts to semantic codes, for a batch of segments."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from adapters.indextts2.noise import Noise, SegmentKey
from adapters.indextts2.t2s.beam_search import BeamSearch, Codes
from adapters.indextts2.t2s.decoding import DecodingRun
from adapters.indextts2.t2s.kv_cache import KeyValueCache
from adapters.indextts2.t2s.language_model import LanguageModel
from adapters.indextts2.t2s.prompt import PromptBatch, batch_prompts
from adapters.indextts2.t2s.sampling import CodeSampling
from adapters.indextts2.t2s.steps.buckets import Buckets, ExactShapes
from adapters.indextts2.t2s.steps.runner import EagerRunner, StepRunner
from adapters.indextts2.t2s.transformer import Transformer


class SemanticGenerator(Protocol):
    """Generates semantic codes from prompts."""

    @property
    def longest(self) -> int:
        """Number of codes that a segment can have at most."""

    def generate(
        self,
        prompts: Sequence[Tensor],
        keys: Sequence[SegmentKey],
        *,
        sampling: CodeSampling,
        noise: Noise,
    ) -> list[Codes]:
        """Generate codes for each prompt. They do not depend on the other prompts.

        Args:
            prompts: (1, its length, width) each.
            keys: The segment of each prompt, which selects its random numbers.
            sampling: The controls.
            noise: The random stream of the request.
        """

    def begin(
        self, prompt: Tensor, key: SegmentKey, *, sampling: CodeSampling, noise: Noise, count: int
    ) -> Tensor | Codes:
        """Generate the first codes of a prompt.

        Args:
            prompt: (1, length, width).
            key: Its segment.
            sampling: The controls.
            noise: The random stream of the request.
            count: Codes to generate at least.

        Returns:
            (n,), int64: the first ``count`` or more of the codes that ``generate`` returns, as soon
            as no beam can change them. All codes where the segment ends before that.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class StepwiseGenerator:
    """Decodes all beams of all prompts together, one code a step.

    The host polls the device every ``poll_every`` steps for the rows that have finished, so that it
    need not synchronise in between. Rows that finished earlier stay in the batch until then and
    keep their codes. ``reserve_steps`` is that of ``KeyValueCache``. Neither these two numbers nor
    ``buckets`` nor ``runner`` change codes.
    """

    language_model: LanguageModel
    transformer: Transformer
    poll_every: int = 8
    reserve_steps: int = 32
    buckets: Buckets = field(default_factory=ExactShapes)
    runner: StepRunner = field(default_factory=EagerRunner)

    @property
    def longest(self) -> int:
        return int(self.language_model.max_mel_tokens)

    def generate(
        self,
        prompts: Sequence[Tensor],
        keys: Sequence[SegmentKey],
        *,
        sampling: CodeSampling,
        noise: Noise,
    ) -> list[Codes]:
        return self.decode(batch_prompts(prompts), keys, sampling=sampling, noise=noise)

    def begin(
        self, prompt: Tensor, key: SegmentKey, *, sampling: CodeSampling, noise: Noise, count: int
    ) -> Tensor | Codes:
        run = self._new_run([key], sampling, noise)
        for _ in run.polls(batch_prompts([prompt])):
            prefix = run.common_prefix(0)
            if len(prefix) >= count:
                return prefix
        return run.results[0]

    def decode(
        self,
        batch: PromptBatch,
        keys: Sequence[SegmentKey],
        *,
        sampling: CodeSampling,
        noise: Noise,
    ) -> list[Codes]:
        """Generate codes for each row of ``batch``, whatever values its padding holds."""
        run = self._new_run(keys, sampling, noise)
        for _ in run.polls(batch):
            pass
        return [run.results[prompt] for prompt in range(len(keys))]

    def _new_run(
        self, keys: Sequence[SegmentKey], sampling: CodeSampling, noise: Noise
    ) -> DecodingRun:
        model, buffers = self.language_model, self.runner.start_generation()
        return DecodingRun(
            language_model=model,
            transformer=self.transformer,
            noise=noise,
            search=BeamSearch.start(
                noise.keys(keys),
                sampling=sampling,
                start_code=int(model.start_mel_token),
                stop_code=int(model.stop_mel_token),
                buffers=buffers,
            ),
            cache=KeyValueCache(
                beams=sampling.num_beams,
                reserve_steps=self.reserve_steps,
                buckets=self.buckets,
                buffers=buffers,
            ),
            buckets=self.buckets,
            runner=self.runner,
            poll_every=self.poll_every,
        )
