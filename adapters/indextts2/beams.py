"""Which codes a batch of segments has chosen so far, and which of its beams may still win.

The arithmetic is that of Hugging Face's generation as IndexTTS-2 calls it, token for token.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from adapters.indextts2.noise import Noise, SegmentKey, Urn
from adapters.indextts2.sampling import SamplingPlan, candidates, penalised

_NEVER = -1.0e9
"""A score that no live beam reaches; finite, because infinities minus each other are not."""
_FILLER, _PROMPT_IDS = 1, 2
"""What the package fills the prompt with, and how many ids of it the repetition penalty sees."""


@dataclass(frozen=True, slots=True)
class Codes:
    """What was generated for one segment: (n,) int64 without the stop code."""

    ids: Tensor
    stopped: bool


@dataclass(slots=True)
class Beams:
    """The state of a batch: rows of segments, each with ``plan.num_beams`` beams.

    Live beams: ``codes`` (rows, beams, 2 + longest), the prompt's two ids first, and ``scores``
    (rows, beams). Finished ones, best first: ``ended_codes`` (rows, beams, longest),
    ``ended_scores``, ``ended`` and ``ended_lengths``. ``open`` (rows,) says that a live beam may
    still win; a row that is not open keeps its answer, however many steps it is taken along.
    ``length`` codes were chosen so far. Everything stays on the device.
    """

    plan: SamplingPlan
    stop: int
    codes: Tensor
    scores: Tensor
    ended_codes: Tensor
    ended_scores: Tensor
    ended_lengths: Tensor
    ended: Tensor
    open: Tensor
    length: int = 0

    @classmethod
    def first(cls, rows: int, plan: SamplingPlan, model: Any, *, device: torch.device) -> "Beams":
        beams = plan.num_beams
        shape = (rows, beams, _PROMPT_IDS + plan.max_mel_tokens)
        codes = torch.full(shape, model.stop_mel_token, device=device)
        codes[:, :, 0], codes[:, :, 1] = _FILLER, model.start_mel_token
        scores = torch.zeros(rows, beams, device=device)
        scores[:, 1:] = _NEVER  # all beams start alike: only the first may branch
        return cls(
            plan=plan,
            stop=model.stop_mel_token,
            codes=codes,
            scores=scores,
            ended_codes=codes[:, :, 2:].clone(),
            ended_scores=torch.full((rows, beams), _NEVER, device=device),
            ended_lengths=torch.zeros(rows, beams, dtype=torch.int64, device=device),
            ended=torch.zeros(rows, beams, dtype=torch.bool, device=device),
            open=torch.ones(rows, dtype=torch.bool, device=device),
        )

    def keep(self, rows: Tensor) -> "Beams":
        return replace(
            self,
            codes=self.codes[rows],
            scores=self.scores[rows],
            ended_codes=self.ended_codes[rows],
            ended_scores=self.ended_scores[rows],
            ended_lengths=self.ended_lengths[rows],
            ended=self.ended[rows],
            open=self.open[rows],
        )

    def last_codes(self) -> Tensor:
        """(rows, beams): what each live beam chose last."""
        return self.codes[:, :, _PROMPT_IDS + self.length - 1]

    def advance(self, logits: Tensor, keys: Sequence[SegmentKey], noise: Noise) -> Tensor:
        """Take one step; answers which beam of its row each live beam goes on from.

        ``logits`` (rows, beams, vocabulary) is float32, the answer (rows, beams).
        """
        if self.plan.num_beams == 1:
            return self._sample(logits, keys, noise)
        return self._branch(logits, keys, noise)

    def answer(self, row: int) -> Codes:
        length = int(self.ended_lengths[row, 0])
        ids = self.ended_codes[row, 0, :length]
        stopped = bool((ids == self.stop).any())
        return Codes(ids=ids[: length - 1] if stopped else ids, stopped=stopped)

    def _sample(self, logits: Tensor, keys: Sequence[SegmentKey], noise: Noise) -> Tensor:
        scores, codes = self._candidates(logits)
        urn = Urn(scores.softmax(dim=-1), codes, logits.shape[-1])
        drawn = codes.gather(1, noise.choose(keys, urn, 1, step=self.length))
        self.codes[:, :, _PROMPT_IDS + self.length] = drawn
        self.ended_codes[:, :, self.length] = drawn
        self.ended_lengths = self.ended_lengths + self.open[:, None]
        self.open = self.open & (drawn[:, 0] != self.stop)
        self.length += 1
        return torch.zeros_like(drawn)

    def _branch(self, logits: Tensor, keys: Sequence[SegmentKey], noise: Noise) -> Tensor:
        rows, beams = self.scores.shape
        vocabulary = logits.shape[-1]
        kept, codes = self._candidates(logits.log_softmax(dim=-1))
        scores = (kept.view(rows, beams, -1) + self.scores[:, :, None]).flatten(1)
        codes = codes.view(rows, -1)
        origins = torch.arange(beams, device=codes.device).repeat_interleave(kept.shape[-1])
        urn = Urn(scores.softmax(dim=-1), origins * vocabulary + codes, beams * vocabulary)
        drawn = noise.choose(keys, urn, 2 * beams, step=self.length)
        scores, origins, codes = scores.gather(1, drawn), origins[drawn], codes.gather(1, drawn)
        grown = self._grown(origins, codes)
        self.length += 1
        stops = (codes == self.stop) | (self.length >= self.plan.max_mel_tokens)
        self._end(grown[:, :, _PROMPT_IDS:], scores, stops)
        self.scores, best = (scores + stops * _NEVER).topk(beams, dim=1)
        self.codes[:, :, : grown.shape[2]] = _chosen(grown, best)
        worst = torch.where(self.ended, self.ended_scores.amin(1, keepdim=True), _NEVER)
        self.open = self.open & (self.scores[:, :1] > worst).any(dim=1)
        return origins.gather(1, best)

    def _candidates(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.codes[:, :, : _PROMPT_IDS + self.length].flatten(0, 1)
        pushed = penalised(scores.flatten(0, 1), seen, self.plan.repetition_penalty)
        return candidates(pushed, self.plan)

    def _grown(self, origins: Tensor, codes: Tensor) -> Tensor:
        """What the draws (rows, draws) would make of the beams that they go on from."""
        so_far = self.codes[:, :, : _PROMPT_IDS + self.length]
        return torch.cat([_chosen(so_far, origins), codes[:, :, None]], dim=2)

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
        so_far = self.ended_codes[:, :, : self.length]
        self.ended_codes[:, :, : self.length] = _chosen(torch.cat([so_far, grown], 1), best)


def _chosen(codes: Tensor, which: Tensor) -> Tensor:
    """Of ``codes`` (rows, some, length) those that ``which`` (rows, any number) names."""
    return codes.gather(1, which[:, :, None].expand(-1, -1, codes.shape[2]))
