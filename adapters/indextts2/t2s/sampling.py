"""The controls of code sampling, and their effect on the scores of one decoding step."""

from dataclasses import dataclass

import torch
from torch import Tensor

from domain.delivery import Sampling
from domain.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class CodeSampling:
    """Controls of text-to-semantic decoding; the defaults are those of IndexTTS-2.

    Raises:
        InvalidRequest: A value is outside the range that the sampler accepts.
    """

    temperature: float = 0.8
    top_p: float = 0.8
    top_k: int = 30
    num_beams: int = 3
    repetition_penalty: float = 10.0
    max_mel_tokens: int = 1500

    def __post_init__(self) -> None:
        for name in ("temperature", "repetition_penalty"):
            if not getattr(self, name) > 0:
                raise InvalidRequest(name, "must be above 0")
        for name in ("num_beams", "max_mel_tokens"):
            if getattr(self, name) < 1:
                raise InvalidRequest(name, "must be at least 1")
        if not 0 < self.top_p <= 1:
            raise InvalidRequest("top_p", "must be above 0 and at most 1")
        if self.top_k < 0:
            raise InvalidRequest("top_k", "must not be negative")

    @property
    def min_kept(self) -> int:
        """Number of codes that top-k and top-p always leave.

        Beam search needs two: a beam must be able to continue when its likeliest code is the stop
        code.
        """
        return 2 if self.num_beams > 1 else 1


def code_sampling(requested: Sampling, *, longest: int) -> CodeSampling:
    """Return the controls of ``requested``, with defaults where it gives none.

    Args:
        requested: Controls of the request; None leaves a control at its default.
        longest: Number of codes that the loaded model can generate at most. It also limits the
            default of ``max_mel_tokens``.

    Raises:
        InvalidRequest: A value is out of range, or ``max_mel_tokens`` is above ``longest``.
    """
    defaults = CodeSampling(max_mel_tokens=min(CodeSampling().max_mel_tokens, longest))
    sampling = requested.over(defaults)
    if sampling.max_mel_tokens > longest:
        raise InvalidRequest("max_mel_tokens", f"this model takes at most {longest}")
    return sampling


def apply_repetition_penalty(scores: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Return ``scores`` with the codes in ``seen`` made less likely.

    The rule is that of CTRL (Keskar et al., 2019, section 4.1), in the form of Hugging Face's
    ``RepetitionPenaltyLogitsProcessor``: negative scores are multiplied, positive ones divided.

    Args:
        scores: (rows, vocabulary).
        seen: (rows, any number), int64. A code may appear more than once.
        penalty: Factor above 0; 1 changes nothing.
    """
    found = scores.gather(1, seen)
    lowered = torch.where(found < 0, found * penalty, found / penalty)
    return scores.scatter(1, seen, lowered)


def keep_likeliest(scores: Tensor, sampling: CodeSampling) -> tuple[Tensor, Tensor]:
    """Apply temperature, top-k and top-p, and return the scores that are left with their codes.

    Top-p is nucleus sampling (Holtzman et al., 2020). All later work of a step uses these few
    scores instead of the whole vocabulary.

    Args:
        scores: (rows, vocabulary).
        sampling: The controls.

    Returns:
        Scores and codes, both (rows, kept), best first. Scores that top-p excludes are -inf.
    """
    vocabulary = scores.shape[-1]
    kept = max(sampling.top_k, sampling.min_kept) if sampling.top_k else vocabulary
    best, codes = (scores / sampling.temperature).topk(min(kept, vocabulary), dim=-1)
    if sampling.top_p < 1:
        ascending = best.flip(-1)
        excluded = ascending.softmax(dim=-1).cumsum(dim=-1) <= 1 - sampling.top_p
        excluded[:, -sampling.min_kept :].fill_(value=False)
        best = best.masked_fill(excluded.flip(-1), -torch.inf)
    return best, codes
