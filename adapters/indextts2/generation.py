"""Semantic codes from prompts: sampling, or beam search that samples, over a batch of segments.

The arithmetic is that of Hugging Face's generation loop as IndexTTS-2 calls it, token for token;
the loop is our own, so that rows can be batched, leave the batch and carry their own chance.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from adapters.indextts2.backbone import Backbone, KeyValueCache, causal_bias, padding_bias
from adapters.indextts2.beams import Beams, Codes
from adapters.indextts2.noise import Noise, SegmentKey
from adapters.indextts2.prompt import batched
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


class LoopingGenerator:
    """Decodes step by step; all beams of all segments are rows of one batch."""

    def __init__(self, *, language_model: Any, backbone: Backbone) -> None:
        self._model = language_model
        self._backbone = backbone

    @property
    def longest(self) -> int:
        return int(self._model.max_mel_tokens)

    def generate(
        self,
        prompts: Sequence[Tensor],
        keys: Sequence[SegmentKey],
        *,
        plan: SamplingPlan,
        noise: Noise,
    ) -> list[Codes]:
        beams = plan.num_beams
        cache = self._backbone.new_cache()
        logits, padding = self._read(prompts, cache)
        live = Beams.first(len(prompts), plan, self._model, device=logits.device)
        cache.select(live.rows_of_origin())
        logits, padding = (each.repeat_interleave(beams, dim=0) for each in (logits, padding))
        answers: dict[int, Codes] = {}
        places = list(range(len(prompts)))
        for step in range(plan.max_mel_tokens):
            chosen = live.advance(logits, [keys[place] for place in places], step, noise)
            done = live.done(step).tolist()
            for row, place in enumerate(places):
                if done[row]:
                    answers[place] = live.answer(row)
            staying = [row for row, is_done in enumerate(done) if not is_done]
            if not staying:
                break
            if len(staying) < len(places):
                kept = torch.tensor(staying, device=logits.device)
                places = [places[row] for row in staying]
                live = live.keep(kept)
                rows = (kept[:, None] * beams + torch.arange(beams, device=kept.device)).flatten()
                chosen, padding = chosen[rows], padding[rows]
            if beams > 1 or len(staying) < len(done):
                cache.select(chosen)
            logits = self._step(live.last_codes(), step, cache, padding)
        return [answers[place] for place in range(len(prompts))]

    def _read(self, prompts: Sequence[Tensor], cache: KeyValueCache) -> tuple[Tensor, Tensor]:
        batch = batched(prompts)
        model, device = self._model, batch.padding.device
        start = torch.full((len(prompts), 1), model.start_mel_token, device=device)
        opening = model.mel_embedding(start) + model.mel_pos_embedding.emb.weight[0]
        x = torch.cat([batch.embeddings, opening], dim=1)
        bias = causal_bias(batch.padding, x.shape[1], x.dtype)
        return self._logits(self._backbone.run(x, cache, bias)), batch.padding

    def _step(self, codes: Tensor, step: int, cache: KeyValueCache, padding: Tensor) -> Tensor:
        model = self._model
        # Position 1 is skipped: the package counts the start code twice, in training's own way.
        x = model.mel_embedding(codes[:, None]) + model.mel_pos_embedding.emb.weight[step + 2]
        bias = padding_bias(padding, cache.length + 1, x.dtype) if padding.any() else None
        return self._logits(self._backbone.run(x, cache, bias))

    def _logits(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self._model.mel_head(self._model.final_norm(hidden[:, -1]))
        return logits.float()
