"""Random draws of the codes with which beams continue."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adapters.indextts2.noise import Candidates, Noise
from adapters.indextts2.t2s.sampling import CodeSampling, apply_repetition_penalty, keep_likeliest


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Codes drawn for each row, with the beams that they continue; the first draw first."""

    codes: Tensor  # (rows, draws), int64
    parents: Tensor  # (rows, draws), int64: index of the beam within its row
    scores: Tensor  # (rows, draws), float32: sum of the log-probabilities of the beam's codes


@dataclass(frozen=True, slots=True)
class CodeSampler:
    """Draws codes from logits. The random numbers are those of ``noise``."""

    sampling: CodeSampling
    noise: Noise

    def draw_code(self, logits: Tensor, seen: Tensor, keys: Tensor, step: Tensor) -> Tensor:
        """Draw one code for each row, as Hugging Face's ``_sample`` does.

        Args:
            logits: (rows, 1, vocabulary), float32.
            seen: (rows, 1, length), int64: codes that the repetition penalty applies to.
            keys: (rows,), int64, see ``Noise.keys``.
            step: (1,), int64: number of codes drawn so far.

        Returns:
            (rows, 1), int64.
        """
        scores, codes = self._likeliest(logits, seen)
        candidates = Candidates(scores.softmax(dim=-1), codes, logits.shape[-1])
        drawn = self.noise.sample_without_replacement(keys, candidates, 1, step=step)
        return codes.gather(1, drawn)

    def draw_successors(
        self, logits: Tensor, seen: Tensor, scores: Tensor, keys: Tensor, step: Tensor
    ) -> Draws:
        """Draw two codes for each beam of a row, from all its beams together.

        The rule is that of Hugging Face's ``_get_top_k_continuations`` with ``do_sample``.

        Args:
            logits: (rows, beams, vocabulary), float32.
            seen: (rows, beams, length), int64: codes that the repetition penalty applies to.
            scores: (rows, beams): sum of the log-probabilities of each beam's codes.
            keys: (rows,), int64, see ``Noise.keys``.
            step: (1,), int64: number of codes drawn so far.

        Returns:
            2 beams draws for each row.
        """
        rows, beams, vocabulary = logits.shape
        likeliest, codes = self._likeliest(logits.log_softmax(dim=-1), seen)
        kept = codes.shape[-1]
        totals = (likeliest.view(rows, beams, kept) + scores[:, :, None]).flatten(1)
        codes = codes.view(rows, beams * kept)
        beam = torch.arange(beams, device=codes.device)
        parents = beam[:, None].expand(beams, kept).reshape(-1)  # (beams kept,)
        candidates = Candidates(
            totals.softmax(dim=-1), parents * vocabulary + codes, beams * vocabulary
        )
        drawn = self.noise.sample_without_replacement(keys, candidates, 2 * beams, step=step)
        return Draws(
            codes=codes.gather(1, drawn),
            parents=parents.expand(rows, -1).gather(1, drawn),
            scores=totals.gather(1, drawn),
        )

    def _likeliest(self, scores: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Return what penalty, temperature, top-k and top-p leave.

        Args:
            scores: (rows, beams, vocabulary).
            seen: (rows, beams, length).

        Returns:
            Scores and codes, both (rows beams, kept), best first.
        """
        penalised = apply_repetition_penalty(
            scores.flatten(0, 1), seen.flatten(0, 1), self.sampling.repetition_penalty
        )
        return keep_likeliest(penalised, self.sampling)
