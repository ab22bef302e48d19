"""What each tensor of the tiny checkpoint holds, by its name."""

import hashlib
import math

import numpy as np
import torch
from torch import Tensor, nn

_GAINS = {
    "gpt.text_embedding": 0.2,
    "gpt.mel_embedding": 0.2,
    "gpt.mel_pos_embedding": 0.08,
    "gpt.text_pos_embedding": 0.08,
    "gpt.speed_emb": 0.03,
    "gpt.mel_head.weight": 0.3,
    "gpt.perceiver_encoder.latents": 0.02,
    "gpt.emo_perceiver_encoder.latents": 0.02,
}
"""Standard deviations of the tensors that are no layer's weights."""
_LOUDER = ("gpt.gpt.", "gpt.conditioning_encoder.", "gpt.emo_conditioning_encoder.", "speech.")
"""Parts whose layers get half as much again, so that voice and text change the output."""


def tensors_of(network: nn.Module, prefix: str) -> dict[str, Tensor]:
    """Return new values for the state dict of ``network``; computed buffers keep theirs."""
    parameters = dict(network.named_parameters())
    tensors: dict[str, Tensor] = {}
    for name, old in network.state_dict().items():
        if name in parameters:
            tensors[name] = _value(f"{prefix}.{name}", tuple(old.shape))
        else:
            tensors[name] = old.clone()
    for name in [name for name in tensors if name.endswith("weight_g")]:
        direction = tensors[name.removesuffix("_g") + "_v"]
        axes = tuple(range(1, direction.ndim))
        tensors[name] = direction.norm(dim=axes, keepdim=True) if axes else direction.abs()
    return tensors


def drawn(name: str, shape: tuple[int, ...], deviation: float) -> Tensor:
    """Return normal numbers that depend on ``name`` alone."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    values = np.random.default_rng(seed).standard_normal(shape) * deviation
    return torch.from_numpy(values.astype(np.float32))


def _value(name: str, shape: tuple[int, ...]) -> Tensor:
    for start, deviation in _GAINS.items():
        if name.startswith(start):
            return drawn(name, shape, deviation)
    last = name.rpartition(".")[2]
    if last in ("gamma", "g") or (last == "weight" and len(shape) == 1):
        return torch.ones(shape)
    if last in ("alpha", "beta") or (last == "bias" and _is_norm(name)):
        return torch.zeros(shape)
    fan_in = math.prod(shape[1:]) if len(shape) > 1 else shape[0]
    if name.startswith("gpt.gpt."):
        fan_in = shape[0]  # GPT-2 keeps its weights the other way round
    gain = 1.5 if name.startswith(_LOUDER) else 1.0
    return drawn(name, shape, gain / math.sqrt(3 * fan_in))


def _is_norm(name: str) -> bool:
    return any(part in name for part in ("norm", "ln_", ".bn", "batchnorm"))
