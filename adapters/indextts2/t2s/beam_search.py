"""Which codes a batch of segments has chosen so far, and which of its beams may still win.

The arithmetic is that of Hugging Face's generation as IndexTTS-2 calls it, token for token.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from adapters.indextts2.noise import Candidates, Noise
from adapters.indextts2.t2s.sampling import (
    CodeSampling,
    apply_repetition_penalty,
    keep_likeliest,
)
from adapters.indextts2.t2s.steps.buffers import Buffers

_NEVER = -1.0e9
"""A score that no live beam reaches; finite, because infinities minus each other are not."""
_FILLER, _PROMPT_IDS = 1, 2
"""What the package fills the prompt with, and how many ids of it the repetition penalty sees."""
_PER_ROW = ("keys", "codes", "scores", "ended_scores", "ended_lengths", "ended", "open")


@dataclass(frozen=True, slots=True)
class Codes:
    """What was generated for one segment: (n,) int64 without the stop code."""

    ids: Tensor
    stopped: bool


@dataclass(slots=True, kw_only=True)
class Beams:
    """The state of a batch: rows of segments, each with ``sampling.num_beams`` beams.

    ``codes`` (rows, 2 beams, 2 + longest): first the live beams, then the finished ones, best
    first. Each begins with the prompt's two ids; where a beam has no code yet stands the prompt's
    filler, which the repetition penalty sees in any case. ``scores`` (rows, beams) are the live
    beams'; ``ended_scores``, ``ended`` and ``ended_lengths`` the finished ones'. ``open`` (rows,)
    says that a live beam may still win; a row that is not open keeps its answer, however many steps
    it is taken along. ``keys`` (rows,) is the rows' chance, see ``Noise``. ``length`` (1,) codes
    were chosen so far. All this lies in ``buffers``, and ``advance`` leaves it in its places.
    """

    sampling: CodeSampling
    stop: int
    buffers: Buffers
    keys: Tensor
    codes: Tensor
    scores: Tensor
    ended_scores: Tensor
    ended_lengths: Tensor
    ended: Tensor
    open: Tensor
    length: Tensor

    @classmethod
    def first(cls, keys: Tensor, sampling: CodeSampling, model: Any, buffers: Buffers) -> "Beams":
        rows, beams, device = len(keys), sampling.num_beams, keys.device
        shape = (rows, 2 * beams, _PROMPT_IDS + sampling.max_mel_tokens)
        codes = torch.full(shape, _FILLER, device=device)
        codes[:, :, 1] = model.start_mel_token
        scores = torch.zeros(rows, beams, device=device)
        scores[:, 1:] = _NEVER  # all beams start alike: only the first may branch
        never = torch.full((rows, beams), _NEVER, device=device)
        nothing = torch.zeros(rows, beams, dtype=torch.int64, device=device)
        return cls(
            sampling=sampling,
            stop=int(model.stop_mel_token),
            buffers=buffers,
            keys=buffers.write("keys", keys),
            codes=buffers.write("codes", codes),
            scores=buffers.write("scores", scores),
            ended_scores=buffers.write("ended_scores", never),
            ended_lengths=buffers.write("ended_lengths", nothing),
            ended=buffers.write("ended", nothing.bool()),
            open=buffers.write("open", torch.ones(rows, dtype=torch.bool, device=device)),
            length=buffers.write("length", nothing.new_zeros(1)),
        )

    @property
    def rows(self) -> int:
        return len(self.open)

    def keep(self, rows: Tensor) -> None:
        """Keep the given rows, in their order; one may be kept more than once."""
        for name in _PER_ROW:
            kept = getattr(self, name).index_select(0, rows)
            setattr(self, name, self.buffers.write(name, kept))

    def last_codes(self) -> Tensor:
        """(rows, beams): what each live beam chose last."""
        return self._live.index_select(2, self.length + (_PROMPT_IDS - 1)).squeeze(2)

    def advance(self, logits: Tensor, noise: Noise) -> Tensor:
        """Take one step; answers which beam of its row each live beam goes on from.

        ``logits`` (rows, beams, vocabulary) is float32, the answer (rows, beams).
        """
        if self.sampling.num_beams == 1:
            return self._sample(logits, noise)
        return self._branch(logits, noise)

    def answer(self, row: int) -> Codes:
        length = int(self.ended_lengths[row, 0])
        ids = self.codes[row, self.sampling.num_beams, _PROMPT_IDS : _PROMPT_IDS + length].clone()
        stopped = bool((ids == self.stop).any())
        return Codes(ids=ids[: length - 1] if stopped else ids, stopped=stopped)

    def certain(self, row: int) -> Tensor:
        """The first codes (n,) of a row that is open: all beams that may still win share them."""
        rivals = torch.cat([torch.ones_like(self.ended[row]), self.ended[row]])
        said = self.codes[row, :, _PROMPT_IDS : _PROMPT_IDS + int(self.length)]
        shared = ((said == said[0]) | ~rivals[:, None]).all(dim=0)
        return said[0, : int(shared.long().cumprod(dim=0).sum())].clone()

    @property
    def _live(self) -> Tensor:
        return self.codes[:, : self.sampling.num_beams]

    def _sample(self, logits: Tensor, noise: Noise) -> Tensor:
        scores, codes = self._candidates(logits)
        candidates = Candidates(scores.softmax(dim=-1), codes, logits.shape[-1])
        drawn = codes.gather(
            1, noise.sample_without_replacement(self.keys, candidates, 1, step=self.length)
        )
        # One beam is both: what it says so far is what it will have said.
        self._write(drawn.expand(-1, 2))
        self.ended_lengths.add_(self.open[:, None])
        self.open.logical_and_(drawn[:, 0] != self.stop)
        self.length.add_(1)
        return torch.zeros_like(drawn)

    def _branch(self, logits: Tensor, noise: Noise) -> Tensor:
        rows, beams = self.scores.shape
        vocabulary = logits.shape[-1]
        kept, codes = self._candidates(logits.log_softmax(dim=-1))
        scores = (kept.view(rows, beams, -1) + self.scores[:, :, None]).flatten(1)
        codes = codes.view(rows, -1)
        each = torch.arange(beams, device=codes.device)
        origins = each[:, None].expand(beams, kept.shape[-1]).reshape(-1)
        candidates = Candidates(
            scores.softmax(dim=-1), origins * vocabulary + codes, beams * vocabulary
        )
        drawn = noise.sample_without_replacement(self.keys, candidates, 2 * beams, step=self.length)
        scores, codes = scores.gather(1, drawn), codes.gather(1, drawn)
        origins = origins.expand(rows, -1).gather(1, drawn)
        at_the_end = self.length + 1 >= self.sampling.max_mel_tokens
        stops = (codes == self.stop) | at_the_end
        ended = self._end(scores, stops)
        scores, best = (scores + stops * _NEVER).topk(beams, dim=1)
        self.scores.copy_(scores)
        # Of the draws and of what ended before, who stays: the live ones first, as in the codes.
        staying = torch.cat([best + beams, ended], dim=1)
        sources = torch.cat([(each + beams).expand(rows, -1), origins], dim=1).gather(1, staying)
        codes = torch.cat([codes.new_full((rows, beams), _FILLER), codes], dim=1)
        self._rearrange(sources)
        self._write(codes.gather(1, staying))
        self.length.add_(1)
        worst = self.ended_scores.amin(1, keepdim=True).masked_fill(~self.ended, _NEVER)
        self.open.logical_and_((self.scores[:, :1] > worst).any(dim=1))
        return sources[:, :beams]

    def _candidates(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        seen = self._live.flatten(0, 1)
        pushed = apply_repetition_penalty(
            scores.flatten(0, 1), seen, self.sampling.repetition_penalty
        )
        return keep_likeliest(pushed, self.sampling)

    def _end(self, scores: Tensor, stops: Tensor) -> Tensor:
        """Let what stopped among the first half of the draws compete with what ended before.

        Answers the winners (rows, beams): what ended before counts from 0, the draws after it.
        """
        beams = self.scores.shape[1]
        first_half = torch.arange(stops.shape[1], device=stops.device) < beams
        ends = stops & first_half
        scores = scores + (~self.open)[:, None] * _NEVER + ~ends * _NEVER
        lengths = (self.length + 1).expand(stops.shape)
        scores, best = torch.cat([self.ended_scores, scores], 1).topk(beams, dim=1)
        self.ended_scores.copy_(scores)
        self.ended_lengths.copy_(torch.cat([self.ended_lengths, lengths], 1).gather(1, best))
        self.ended.copy_(torch.cat([self.ended, ends], 1).gather(1, best))
        return best

    def _rearrange(self, sources: Tensor) -> None:
        """Put in each place of ``codes`` what stands in the place that ``sources`` names."""
        rows, places = sources.shape
        row = torch.arange(rows, device=sources.device)[:, None]
        # Whole rows at a time, where a gather would look each number up.
        moved = self.codes.flatten(0, 1).index_select(0, (row * places + sources).flatten())
        self.codes.copy_(moved.view_as(self.codes))

    def _write(self, codes: Tensor) -> None:
        """The next code of each live and each finished beam (rows, 2 beams)."""
        self.codes.index_copy_(2, self.length + _PROMPT_IDS, codes[:, :, None])
