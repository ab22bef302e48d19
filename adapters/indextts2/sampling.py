"""The sampler's controls, and what they do to a step's scores."""

from dataclasses import dataclass

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
    """Push down what a row has ``seen`` (Keskar et al., CTRL, 2019); both are (rows, codes)."""
    pushed = torch.where(scores < 0, scores * penalty, scores / penalty)
    return torch.where(seen, pushed, scores)


def filtered(scores: Tensor, plan: SamplingPlan) -> Tensor:
    """Scores (rows, codes) after temperature, top-k and top-p; what is left out is -inf."""
    scores = scores / plan.temperature
    if plan.top_k:
        kept = min(max(plan.top_k, plan.fewest_kept), scores.shape[-1])
        smallest = scores.topk(kept, dim=-1).values[:, -1:]
        scores = scores.masked_fill(scores < smallest, -torch.inf)
    if plan.top_p < 1:
        ascending, order = scores.sort(dim=-1)
        dropped = ascending.softmax(dim=-1).cumsum(dim=-1) <= 1 - plan.top_p
        dropped[:, -plan.fewest_kept :] = False
        scores = scores.masked_fill(dropped.scatter(1, order, dropped), -torch.inf)
    return scores
