"""Which codes a batch of segments has chosen so far, and which of its beams may still win.

The arithmetic is that of Hugging Face's generation as IndexTTS-2 calls it, token for token.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from adapters.indextts2.noise import Noise, SegmentKey
from adapters.indextts2.sampling import SamplingPlan, filtered, penalised

_NEVER = -1.0e9
"""A score that no live beam reaches; finite, because infinities minus each other are not."""
_PROMPT_ID = 1
"""The package fills the prompt with this id, and the repetition penalty takes it for a code."""


@dataclass(frozen=True, slots=True)
class Codes:
    """What was generated for one segment: (n,) int64 without the stop code."""

    ids: Tensor
    stopped: bool


@dataclass(slots=True)
class Beams:
    """The state of a batch: rows of segments, each with ``plan.num_beams`` beams.

    Live beams: ``codes`` (rows, beams, longest), ``scores`` (rows, beams), ``seen``
    (rows, beams, vocabulary). Finished ones, best first: ``ended_codes``, ``ended_scores``,
    ``ended`` and ``ended_lengths``. ``open`` (rows,) says that a live beam may still win.
    """

    plan: SamplingPlan
    stop: int
    codes: Tensor
    scores: Tensor
    seen: Tensor
    ended_codes: Tensor
    ended_scores: Tensor
    ended_lengths: Tensor
    ended: Tensor
    open: Tensor
    length: int = 0

    @classmethod
    def first(cls, rows: int, plan: SamplingPlan, model: Any, *, device: torch.device) -> "Beams":
        beams = plan.num_beams
        codes = torch.full((rows, beams, plan.max_mel_tokens), model.stop_mel_token, device=device)
        seen = torch.zeros(rows, beams, model.number_mel_codes, dtype=torch.bool, device=device)
        seen[:, :, [_PROMPT_ID, model.start_mel_token]] = True
        scores = torch.zeros(rows, beams, device=device)
        scores[:, 1:] = _NEVER  # all beams start alike: only the first may branch
        return cls(
            plan=plan,
            stop=model.stop_mel_token,
            codes=codes,
            scores=scores,
            seen=seen,
            ended_codes=codes.clone(),
            ended_scores=torch.full((rows, beams), _NEVER, device=device),
            ended_lengths=torch.zeros(rows, beams, dtype=torch.int64, device=device),
            ended=torch.zeros(rows, beams, dtype=torch.bool, device=device),
            open=torch.ones(rows, dtype=torch.bool, device=device),
        )

    def rows_of_origin(self) -> Tensor:
        """For each beam the row of the unbranched batch that it starts from."""
        rows, beams = self.scores.shape
        return torch.arange(rows, device=self.scores.device).repeat_interleave(beams)

    def keep(self, rows: Tensor) -> "Beams":
        return replace(
            self,
            codes=self.codes[rows],
            scores=self.scores[rows],
            seen=self.seen[rows],
            ended_codes=self.ended_codes[rows],
            ended_scores=self.ended_scores[rows],
            ended_lengths=self.ended_lengths[rows],
            ended=self.ended[rows],
            open=self.open[rows],
        )

    def last_codes(self) -> Tensor:
        return self.codes[:, :, self.length - 1].flatten()

    def advance(
        self, logits: Tensor, keys: Sequence[SegmentKey], step: int, noise: Noise
    ) -> Tensor:
        """Take one step; answers which row of ``logits`` each live beam goes on from."""
        if self.plan.num_beams == 1:
            return self._sample(logits, keys, step, noise)
        return self._branch(logits, keys, step, noise)

    def done(self, step: int) -> Tensor:
        """(rows,) bool: nothing that a row could still generate would change its answer."""
        return ~self.open | (step + 1 >= self.plan.max_mel_tokens)

    def answer(self, row: int) -> Codes:
        length = int(self.ended_lengths[row, 0])
        ids = self.ended_codes[row, 0, :length]
        stopped = bool((ids == self.stop).any())
        return Codes(ids=ids[: length - 1] if stopped else ids, stopped=stopped)

    def _sample(
        self, logits: Tensor, keys: Sequence[SegmentKey], step: int, noise: Noise
    ) -> Tensor:
        pushed = penalised(logits, self.seen.flatten(0, 1), self.plan.repetition_penalty)
        drawn = noise.choose(keys, filtered(pushed, self.plan).softmax(dim=-1), 1, step=step)
        self.codes[:, 0, step] = drawn[:, 0]
        self.seen.scatter_(2, drawn[:, :, None], value=True)
        self.length = step + 1
        self.ended_codes, self.ended_lengths = self.codes, self.ended_lengths + 1
        self.open = drawn[:, 0] != self.stop
        return torch.arange(len(logits), device=logits.device)

    def _branch(
        self, logits: Tensor, keys: Sequence[SegmentKey], step: int, noise: Noise
    ) -> Tensor:
        rows, beams = self.scores.shape
        vocabulary = logits.shape[-1]
        pushed = penalised(
            logits.log_softmax(dim=-1), self.seen.flatten(0, 1), self.plan.repetition_penalty
        )
        total = filtered(pushed, self.plan).view(rows, beams, -1) + self.scores[:, :, None]
        total = total.flatten(1)
        drawn = noise.choose(keys, total.softmax(dim=-1), 2 * beams, step=step)
        scores, origins, codes = total.gather(1, drawn), drawn // vocabulary, drawn % vocabulary
        grown = self.codes.gather(1, origins[:, :, None].expand(-1, -1, self.codes.shape[2]))
        grown[:, :, step] = codes
        stops = (codes == self.stop) | (step + 1 >= self.plan.max_mel_tokens)
        self.length = step + 1
        self._end(grown, scores, stops)
        self.scores, best = (scores + stops * _NEVER).topk(beams, dim=1)
        self.codes = grown.gather(1, best[:, :, None].expand(-1, -1, grown.shape[2]))
        origin = origins.gather(1, best)
        self.seen = self.seen.gather(1, origin[:, :, None].expand(-1, -1, vocabulary))
        self.seen.scatter_(2, codes.gather(1, best)[:, :, None], value=True)
        worst = torch.where(self.ended, self.ended_scores.amin(1, keepdim=True), _NEVER)
        self.open = self.open & (self.scores[:, :1] > worst).any(dim=1)
        return (origin + torch.arange(rows, device=origin.device)[:, None] * beams).flatten()

    def _end(self, grown: Tensor, scores: Tensor, stops: Tensor) -> None:
        """Let what stopped among the first half of the draws compete with what ended before."""
        beams = self.scores.shape[1]
        ends = stops.clone()
        ends[:, beams:] = False
        scores = scores + (~self.open)[:, None] * _NEVER + ~ends * _NEVER
        lengths = torch.full_like(scores, self.length, dtype=torch.int64)
        self.ended_scores, best = torch.cat([self.ended_scores, scores], 1).topk(beams, dim=1)
        self.ended_lengths = torch.cat([self.ended_lengths, lengths], 1).gather(1, best)
        self.ended = torch.cat([self.ended, ends], 1).gather(1, best)
        longest = grown.shape[2]
        self.ended_codes = torch.cat([self.ended_codes, grown], 1).gather(
            1, best[:, :, None].expand(-1, -1, longest)
        )
