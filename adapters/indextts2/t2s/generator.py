"""Semantic codes from prompts: sampling, or beam search that samples, over a batch of segments.

The arithmetic is that of Hugging Face's generation loop as IndexTTS-2 calls it, token for token;
the loop is our own, so that rows can be batch_prompts, leave the batch and carry their own chance.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from adapters.indextts2.noise import Noise, SegmentKey
from adapters.indextts2.t2s.beam_search import Beams, Codes
from adapters.indextts2.t2s.kv_cache import KeyValueCache
from adapters.indextts2.t2s.language_model import LanguageModel
from adapters.indextts2.t2s.prompt import PromptBatch, batch_prompts
from adapters.indextts2.t2s.sampling import CodeSampling
from adapters.indextts2.t2s.steps.buckets import Buckets, ExactShapes
from adapters.indextts2.t2s.steps.runner import EagerRunner, StepRunner
from adapters.indextts2.t2s.transformer import Transformer, causal_bias


class SemanticGenerator(Protocol):
    """Turns prompts into semantic codes."""

    @property
    def longest(self) -> int:
        """How many codes one segment may have at most."""

    def generate(
        self,
        prompts: Sequence[Tensor],
        keys: Sequence[SegmentKey],
        *,
        sampling: CodeSampling,
        noise: Noise,
    ) -> list[Codes]:
        """Codes for each of ``prompts``, (1, its length, width); ``keys`` name their chance.

        A prompt's codes do not depend on the others.
        """

    def begin(
        self, prompt: Tensor, key: SegmentKey, *, sampling: CodeSampling, noise: Noise, count: int
    ) -> Tensor | Codes:
        """The first codes (n,) of what ``generate`` says, ``count`` or more, once they are certain.

        All of them, where they are finished before.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class StepwiseGenerator:
    """Decodes step by step; all beams of all segments go through the model together.

    Between steps the batch is planned; a step itself asks nothing of the host, and ``runner`` may
    have the device repeat it. The device is asked every ``poll_every`` steps who has finished, so
    that it need not wait for the answer in between; who finished earlier is taken along until then,
    and keeps its codes. The cache has room for at least ``room`` steps whenever it is tidied up.
    None of this changes codes, nor do ``buckets``.
    """

    language_model: LanguageModel
    transformer: Transformer
    poll_every: int = 8
    room: int = 32
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
        answers: dict[int, Codes] = {}
        for live in self._polled(
            batch_prompts([prompt]), [key], answers, sampling=sampling, noise=noise
        ):
            certain = live.certain(0)
            if len(certain) >= count:
                return certain
        return answers[0]

    def decode(
        self,
        batch: PromptBatch,
        keys: Sequence[SegmentKey],
        *,
        sampling: CodeSampling,
        noise: Noise,
    ) -> list[Codes]:
        """Codes for each row of ``batch``; what stands in its padding does not matter."""
        answers: dict[int, Codes] = {}
        for _ in self._polled(batch, keys, answers, sampling=sampling, noise=noise):
            pass
        return [answers[place] for place in range(len(keys))]

    def _polled(
        self,
        batch: PromptBatch,
        keys: Sequence[SegmentKey],
        answers: dict[int, Codes],
        *,
        sampling: CodeSampling,
        noise: Noise,
    ) -> Iterator[Beams]:
        """Decode; shows the beams whenever they are asked, while one of their rows is open.

        ``answers`` gets the codes of each row of ``batch`` once it is finished.
        """
        buffers = self.runner.start_generation()
        cache = KeyValueCache(
            beams=sampling.num_beams, room=self.room, buckets=self.buckets, buffers=buffers
        )
        logits = self._read(batch, cache).expand(-1, sampling.num_beams, -1)
        live = Beams.first(noise.keys(keys), sampling, self.language_model, buffers)
        live.advance(logits, noise)
        step = partial(self._step, live, cache, noise)
        places = list(range(len(keys)))
        staying = places
        for length in range(1, sampling.max_mel_tokens + 1):
            at_the_end = length == sampling.max_mel_tokens
            if at_the_end or length % self.poll_every == 0:
                is_open = live.open.tolist()
                staying = [row for row in range(len(places)) if is_open[row] and not at_the_end]
                for row, place in enumerate(places):
                    if row not in staying and place not in answers:
                        answers[place] = live.answer(row)
                if not staying:
                    return
                yield live
            if self.buckets.rows(len(staying)) != live.rows:
                self._gather(staying, live, cache)
                places = [places[row] for row in staying]
                staying = list(range(len(places)))
            cache.make_room()
            self.runner.run((live.rows, *cache.shape, sampling), step)

    def _gather(self, staying: Sequence[int], live: Beams, cache: KeyValueCache) -> None:
        """Let all but ``staying`` rows leave the batch; what fills it up to its bucket is idle."""
        fillers = self.buckets.rows(len(staying)) - len(staying)
        # A filler is one of the others again: its numbers are as good, and nobody asks for them.
        rows = torch.tensor([*staying] + [staying[0]] * fillers, device=live.open.device)
        live.keep(rows)
        cache.keep(rows)

    def _read(self, batch: PromptBatch, cache: KeyValueCache) -> Tensor:
        model, padding = self.language_model, batch.padding
        rows, length, _ = batch.embeddings.shape
        start = torch.full((rows, 1), model.start_mel_token, device=padding.device)
        opening = model.mel_embedding(start) + model.mel_pos_embedding.emb.weight[0]
        # A weight of zero does not silence what is not a number: the padding itself must be zero.
        empty = torch.arange(length, device=padding.device)[None] < padding[:, None]
        x = torch.cat([batch.embeddings.masked_fill(empty[:, :, None], 0), opening], dim=1)
        cache.start(padding, x.shape[1], self.transformer.dtype)
        bias = causal_bias(padding, x.shape[1], self.transformer.dtype)
        return self._logits(self.transformer.run(x, cache, bias)[:, -1:])

    def _step(self, live: Beams, cache: KeyValueCache, noise: Noise) -> None:
        """Take one step from what the beams chose last; a ``Step``, see there what it must not."""
        model = self.language_model
        # Position 1 is skipped: the package counts the start code twice, in training's own way.
        position = model.mel_pos_embedding.emb.weight.index_select(0, live.length + 1)
        x = model.mel_embedding(live.last_codes()) + position
        cache.begin_step()
        logits = self._logits(self.transformer.run(x, cache, cache.bias))
        cache.follow(live.advance(logits, noise))

    def _logits(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.language_model.mel_head(self.language_model.final_norm(hidden))
        return logits.float()
