"""The sampler's controls, and what they do to a step's scores."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from domain.delivery import Sampling
from domain.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """Every control with its value; the defaults are the model's own.

    Raises:
        InvalidRequest: a value that the sampler or the loaded model cannot take.
    """

    temperature: float = 0.8
    top_p: float = 0.8
    top_k: int = 30
    num_beams: int = 3
    repetition_penalty: float = 10.0
    max_mel_tokens: int = 1500
    diffusion_steps: int = 25
    inference_cfg_rate: float = 0.7

    def __post_init__(self) -> None:
        for name in ("temperature", "repetition_penalty"):
            if not getattr(self, name) > 0:
                raise InvalidRequest(name, "must be above 0")
        for name in ("num_beams", "max_mel_tokens", "diffusion_steps"):
            if getattr(self, name) < 1:
                raise InvalidRequest(name, "must be at least 1")
        if not 0 < self.top_p <= 1:
            raise InvalidRequest("top_p", "must be above 0 and at most 1")
        if self.top_k < 0 or self.inference_cfg_rate < 0:
            name = "top_k" if self.top_k < 0 else "inference_cfg_rate"
            raise InvalidRequest(name, "must not be negative")

    @property
    def fewest_kept(self) -> int:
        """How many candidates the filters always leave: beams need one to go on beside a stop."""
        return 2 if self.num_beams > 1 else 1

    @property
    def for_codes(self) -> "SamplingPlan":
        """The same for all plans that differ only in what comes after the codes."""
        own = SamplingPlan()
        return replace(
            self,
            diffusion_steps=own.diffusion_steps,
            inference_cfg_rate=own.inference_cfg_rate,
        )


def plan_sampling(asked: Sampling, *, longest: int) -> SamplingPlan:
    """``asked`` completed with the model's own values; the model takes ``longest`` codes at most.

    Raises:
        InvalidRequest: see ``SamplingPlan``; more codes than the model has positions for.
    """
    own = SamplingPlan(max_mel_tokens=min(SamplingPlan().max_mel_tokens, longest))
    plan = SamplingPlan(
        temperature=own.temperature if asked.temperature is None else asked.temperature,
        top_p=own.top_p if asked.top_p is None else asked.top_p,
        top_k=own.top_k if asked.top_k is None else asked.top_k,
        num_beams=own.num_beams if asked.num_beams is None else asked.num_beams,
        repetition_penalty=(
            own.repetition_penalty if asked.repetition_penalty is None else asked.repetition_penalty
        ),
        max_mel_tokens=(
            own.max_mel_tokens if asked.max_mel_tokens is None else asked.max_mel_tokens
        ),
        diffusion_steps=(
            own.diffusion_steps if asked.diffusion_steps is None else asked.diffusion_steps
        ),
        inference_cfg_rate=(
            own.inference_cfg_rate if asked.inference_cfg_rate is None else asked.inference_cfg_rate
        ),
    )
    if plan.max_mel_tokens > longest:
        raise InvalidRequest("max_mel_tokens", f"this model takes at most {longest}")
    return plan


def penalised(scores: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """``scores`` (rows, codes) with the codes ``seen`` (rows, any number) pushed down.

    The rule is that of CTRL (Keskar et al., 2019). A code may have been seen more than once.
    """
    found = scores.gather(1, seen)
    pushed = torch.where(found < 0, found * penalty, found / penalty)
    return scores.scatter(1, seen, pushed)


def candidates(scores: Tensor, plan: SamplingPlan) -> tuple[Tensor, Tensor]:
    """What is left of ``scores`` (rows, codes) after temperature, top-k and top-p.

    Answers scores and codes, (rows, kept) each, best first; what top-p leaves out is -inf. All
    that follows works on these few and never again on the whole vocabulary.
    """
    kept = max(plan.top_k, plan.fewest_kept) if plan.top_k else scores.shape[-1]
    best, codes = (scores / plan.temperature).topk(min(kept, scores.shape[-1]), dim=-1)
    if plan.top_p < 1:
        ascending = best.flip(-1)
        dropped = ascending.softmax(dim=-1).cumsum(dim=-1) <= 1 - plan.top_p
        dropped[:, -plan.fewest_kept :].fill_(False)
        best = best.masked_fill(dropped.flip(-1), -torch.inf)
    return best, codes
