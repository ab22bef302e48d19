"""Semantic codes from prompts: sampling, or beam search that samples, over a batch of segments.

The arithmetic is that of Hugging Face's generation loop as IndexTTS-2 calls it, token for token;
the loop is our own, so that rows can be batched, leave the batch and carry their own chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from adapters.indextts2.backbone import Backbone, causal_bias
from adapters.indextts2.beams import Beams, Codes
from adapters.indextts2.cache import KeyValueCache
from adapters.indextts2.noise import Noise, SegmentKey
from adapters.indextts2.prompt import PromptBatch, batched
from adapters.indextts2.sampling import SamplingPlan


class CodeGenerator(Protocol):
    """Turns prompts into semantic codes."""

    @property
    def longest(self) -> int:
        """How many codes one segment may have at most."""

    def generate(
        self,
        prompts: Sequence[Tensor],
        keys: Sequence[SegmentKey],
        *,
        plan: SamplingPlan,
        noise: Noise,
    ) -> list[Codes]:
        """Codes for each of ``prompts``, (1, its length, width); ``keys`` name their chance.

        A prompt's codes do not depend on the others.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopingGenerator:
    """Decodes step by step; all beams of all segments go through the model together.

    The device is asked every ``poll_every`` steps who has finished, so that it need not wait for
    the answer in between; who finished earlier is taken along until then, and keeps its codes.
    The cache has room for at least ``room`` steps whenever it is tidied up. Neither changes codes.
    """

    language_model: Any
    backbone: Backbone
    poll_every: int = 8
    room: int = 32

    @property
    def longest(self) -> int:
        return int(self.language_model.max_mel_tokens)

    def generate(
        self,
        prompts: Sequence[Tensor],
        keys: Sequence[SegmentKey],
        *,
        plan: SamplingPlan,
        noise: Noise,
    ) -> list[Codes]:
        return self.decode(batched(prompts), keys, plan=plan, noise=noise)

    def decode(
        self, batch: PromptBatch, keys: Sequence[SegmentKey], *, plan: SamplingPlan, noise: Noise
    ) -> list[Codes]:
        """Codes for each row of ``batch``; what stands in its padding does not matter."""
        cache = self.backbone.new_cache(beams=plan.num_beams, room=self.room)
        logits = self._read(batch, cache).expand(-1, plan.num_beams, -1)
        live = Beams.first(len(keys), plan, self.language_model, device=logits.device)
        answers: dict[int, Codes] = {}
        places = list(range(len(keys)))
        while True:
            origins = live.advance(logits, [keys[place] for place in places], noise)
            at_the_end = live.length >= plan.max_mel_tokens
            if at_the_end or live.length % self.poll_every == 0:
                is_open = [is_open and not at_the_end for is_open in live.open.tolist()]
                answers |= {
                    place: live.answer(row) for row, place in enumerate(places) if not is_open[row]
                }
                if not any(is_open):
                    return [answers[place] for place in range(len(keys))]
                if not all(is_open):
                    staying = torch.tensor(is_open, device=logits.device).nonzero()[:, 0]
                    places = [place for row, place in enumerate(places) if is_open[row]]
                    live, origins = live.keep(staying), origins[staying]
                    cache.keep(staying)
            cache.advance(origins)
            logits = self._step(live, cache)

    def _read(self, batch: PromptBatch, cache: KeyValueCache) -> Tensor:
        model, padding = self.language_model, batch.padding
        rows, length, _ = batch.embeddings.shape
        start = torch.full((rows, 1), model.start_mel_token, device=padding.device)
        opening = model.mel_embedding(start) + model.mel_pos_embedding.emb.weight[0]
        # A weight of zero does not silence what is not a number: the padding itself must be zero.
        empty = torch.arange(length, device=padding.device)[None] < padding[:, None]
        x = torch.cat([batch.embeddings.masked_fill(empty[:, :, None], 0), opening], dim=1)
        cache.open(padding, x.shape[1], x.dtype)
        bias = causal_bias(padding, x.shape[1], x.dtype)
        return self._logits(self.backbone.run(x, cache, bias)[:, -1:])

    def _step(self, live: Beams, cache: KeyValueCache) -> Tensor:
        model = self.language_model
        # Position 1 is skipped: the package counts the start code twice, in training's own way.
        position = model.mel_pos_embedding.emb.weight[live.length + 1]
        x = model.mel_embedding(live.last_codes()) + position
        return self._logits(self.backbone.run(x, cache, cache.bias))

    def _logits(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.language_model.mel_head(self.language_model.final_norm(hidden))
        return logits.float()
