"""State of a batched beam search: running and finished beams.

The arithmetic is that of Hugging Face's ``GenerationMixin._sample`` and ``_beam_search`` with the
arguments of IndexTTS-2 (``do_sample=True``, ``length_penalty=0.0``), token for token.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from adapters.indextts2.noise import Noise
from adapters.indextts2.t2s.draws import CodeSampler, Draws
from adapters.indextts2.t2s.sampling import CodeSampling
from adapters.indextts2.t2s.steps.buffers import Buffers

_NEVER = -1.0e9
"""A score that no running beam reaches; finite, so that differences of scores are no NaN."""
_PROMPT_IDS = 2
"""Ids of the prompt that the repetition penalty applies to: a filler and the start code."""
_FILLER = 1
"""The id with which the package fills the prompt (``prepare_gpt_inputs``)."""
_ROW_TENSORS = (
    "keys",
    "codes",
    "running_scores",
    "finished_scores",
    "finished_lengths",
    "is_finished",
    "is_open",
)


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """The semantic codes of one segment."""

    ids: Tensor  # (n,), int64, without the stop code
    stopped: bool
    """True where the model chose the stop code, False where ``max_mel_tokens`` cut the segment."""


@dataclass(slots=True, kw_only=True, eq=False)
class BeamSearch:
    """Running and finished beams of a batch of rows, each row with ``sampling.num_beams`` of both.

    In ``codes`` the running beams come first, then the finished ones, both best first. A beam's ids
    are the filler and the start code, then its codes, then fillers. With one beam a row, the
    running and the finished beam are the same.

    A row is open while one of its running beams can still beat a finished one. A row that is not
    open keeps its result, even when ``advance`` goes on.

    All tensors are in ``buffers``. ``advance`` changes them in place, so that it can be part of a
    ``steps.runner.Step``.
    """

    sampling: CodeSampling
    stop_code: int
    buffers: Buffers
    keys: Tensor  # (rows,), int64, see Noise.keys
    codes: Tensor  # (rows, 2 beams, 2 + max_mel_tokens), int64
    running_scores: Tensor  # (rows, beams), float32
    finished_scores: Tensor  # (rows, beams), float32
    finished_lengths: Tensor  # (rows, beams), int64: codes, the stop code included
    is_finished: Tensor  # (rows, beams), bool: whether the finished beam exists
    is_open: Tensor  # (rows,), bool
    length: Tensor  # (1,), int64: codes of each running beam

    @classmethod
    def start(
        cls,
        keys: Tensor,  # (rows,)
        *,
        sampling: CodeSampling,
        start_code: int,
        stop_code: int,
        buffers: Buffers,
    ) -> "BeamSearch":
        """Return the state before the first code."""
        rows, beams, device = len(keys), sampling.num_beams, keys.device
        shape = (rows, 2 * beams, _PROMPT_IDS + sampling.max_mel_tokens)
        codes = torch.full(shape, _FILLER, device=device)
        codes[:, :, 1] = start_code
        running_scores = torch.zeros(rows, beams, device=device)
        running_scores[:, 1:] = _NEVER  # all beams start alike: only the first may branch
        never = torch.full((rows, beams), _NEVER, device=device)
        zeros = torch.zeros(rows, beams, dtype=torch.int64, device=device)
        return cls(
            sampling=sampling,
            stop_code=stop_code,
            buffers=buffers,
            keys=buffers.write("keys", keys),
            codes=buffers.write("codes", codes),
            running_scores=buffers.write("running_scores", running_scores),
            finished_scores=buffers.write("finished_scores", never),
            finished_lengths=buffers.write("finished_lengths", zeros),
            is_finished=buffers.write("is_finished", zeros.bool()),
            is_open=buffers.write("is_open", torch.ones(rows, dtype=torch.bool, device=device)),
            length=buffers.write("length", zeros.new_zeros(1)),
        )

    @property
    def rows(self) -> int:
        """Rows of the batch."""
        return len(self.is_open)

    def keep_rows(self, rows: Tensor) -> None:
        """Keep only ``rows`` (kept,), int64, in their order; a row may be kept more than once."""
        for name in _ROW_TENSORS:
            kept = getattr(self, name).index_select(0, rows)
            setattr(self, name, self.buffers.write(name, kept))

    def last_codes(self) -> Tensor:
        """Return the last code (rows, beams) of each running beam."""
        return self._running.index_select(2, self.length + (_PROMPT_IDS - 1)).squeeze(2)

    def advance(self, logits: Tensor, noise: Noise) -> Tensor:
        """Add a code to each running beam.

        Args:
            logits: (rows, beams, vocabulary), float32: the model's output after ``last_codes``.
            noise: The random stream.

        Returns:
            (rows, beams), int64: the index, within its row, of the beam that each one continues.
        """
        sampler = CodeSampler(self.sampling, noise)
        if self.sampling.num_beams == 1:
            return self._extend(sampler.draw_code(logits, self._running, self.keys, self.length))
        return self._branch(
            sampler.draw_successors(
                logits, self._running, self.running_scores, self.keys, self.length
            )
        )

    def result(self, row: int) -> Codes:
        """Return the codes of the best finished beam of ``row``.

        They are final once the row is not open, or has ``max_mel_tokens`` codes.
        """
        length = int(self.finished_lengths[row, 0])
        ids = self.codes[row, self.sampling.num_beams, _PROMPT_IDS : _PROMPT_IDS + length].clone()
        stopped = bool((ids == self.stop_code).any())
        return Codes(ids=ids[: length - 1] if stopped else ids, stopped=stopped)

    def common_prefix(self, row: int) -> Tensor:
        """Return the first codes (n,) that all beams of ``row`` which may win have in common.

        The result of the row, which must be open, starts with these codes.
        """
        may_win = torch.cat([torch.ones_like(self.is_finished[row]), self.is_finished[row]])
        codes = self.codes[row, :, _PROMPT_IDS : _PROMPT_IDS + int(self.length)]
        is_common = ((codes == codes[0]) | ~may_win[:, None]).all(dim=0)  # (length,)
        return codes[0, : int(is_common.long().cumprod(dim=0).sum())].clone()

    @property
    def _running(self) -> Tensor:
        """Ids (rows, beams, 2 + max_mel_tokens) of the running beams."""
        return self.codes[:, : self.sampling.num_beams]

    def _extend(self, drawn: Tensor) -> Tensor:
        """Add the codes ``drawn`` (rows, 1) to rows of one beam; return its parents (rows, 1)."""
        self._append(drawn.expand(-1, 2))
        self.finished_lengths.add_(self.is_open[:, None])
        self.is_open.logical_and_(drawn[:, 0] != self.stop_code)
        self.length.add_(1)
        return torch.zeros_like(drawn)

    def _branch(self, draws: Draws) -> Tensor:
        """Replace the beams of each row by the best of ``draws``; return parents (rows, beams)."""
        beams = self.sampling.num_beams
        is_last = self.length + 1 >= self.sampling.max_mel_tokens
        stops = (draws.codes == self.stop_code) | is_last  # (rows, 2 beams)
        finished = self._update_finished(draws.scores, stops)
        scores, running = (draws.scores + stops * _NEVER).topk(beams, dim=1)  # (rows, beams)
        self.running_scores.copy_(scores)
        parents = self._replace(draws, torch.cat([running + beams, finished], dim=1))
        self.length.add_(1)
        worst = self.finished_scores.amin(1, keepdim=True).masked_fill(~self.is_finished, _NEVER)
        self.is_open.logical_and_((self.running_scores[:, :1] > worst).any(dim=1))
        return parents

    def _update_finished(self, scores: Tensor, stops: Tensor) -> Tensor:
        """Let the first half of the draws, where they stop, compete with the finished beams.

        Args:
            scores: (rows, 2 beams): of the draws.
            stops: (rows, 2 beams), bool: whether a draw ends its beam.

        Returns:
            (rows, beams), int64: the new finished beams, best first, as indices of the pool of
            ``_replace``.
        """
        beams = self.sampling.num_beams
        in_first_half = torch.arange(2 * beams, device=stops.device) < beams
        ends = stops & in_first_half  # (rows, 2 beams)
        scores = scores + (~self.is_open)[:, None] * _NEVER + ~ends * _NEVER
        lengths = (self.length + 1).expand(stops.shape)
        scores, best = torch.cat([self.finished_scores, scores], 1).topk(beams, dim=1)
        self.finished_scores.copy_(scores)
        self.finished_lengths.copy_(torch.cat([self.finished_lengths, lengths], 1).gather(1, best))
        self.is_finished.copy_(torch.cat([self.is_finished, ends], 1).gather(1, best))
        return best

    def _replace(self, draws: Draws, chosen: Tensor) -> Tensor:
        """Replace all beams of each row by those that are ``chosen`` from a pool.

        The pool of a row holds its finished beams, then its draws: 3 beams entries.

        Args:
            draws: The draws of this step.
            chosen: (rows, 2 beams), int64: entries of the pool, for the running beams first.

        Returns:
            (rows, beams), int64: the beam that each new running beam continues.
        """
        rows, beams = self.running_scores.shape
        finished = torch.arange(beams, 2 * beams, device=chosen.device).expand(rows, -1)
        sources = torch.cat([finished, draws.parents], dim=1).gather(1, chosen)  # (rows, 2 beams)
        fillers = draws.codes.new_full((rows, beams), _FILLER)
        # One selection of rows of a flat table: a gather would look up each number by itself.
        row = torch.arange(rows, device=sources.device)[:, None]
        moved = self.codes.flatten(0, 1).index_select(0, (row * 2 * beams + sources).flatten())
        self.codes.copy_(moved.view_as(self.codes))
        self._append(torch.cat([fillers, draws.codes], dim=1).gather(1, chosen))
        return sources[:, :beams]

    def _append(self, codes: Tensor) -> None:
        """Write the next code (rows, 2 beams) of each running and finished beam."""
        self.codes.index_copy_(2, self.length + _PROMPT_IDS, codes[:, :, None])
