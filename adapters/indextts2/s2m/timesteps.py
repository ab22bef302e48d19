"""What flow matching needs of the time, computed once for all that is painted."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Timesteps:
    """What depends on the time alone, for every step of an integration.

    ``lengths`` (steps,) are the steps' sizes. Each norm of the transformer has its scales and
    shifts, (steps, width) each, the WaveNet's layers their biases (steps, 2 · width), and the last
    norm its own pair. The biases are in the weights' number type, all else is float32.
    """

    lengths: list[float]
    norms: list[tuple[Tensor, Tensor]]
    biases: list[Tensor]
    last: tuple[Tensor, Tensor]


def timesteps_of(estimator: Any, steps: int) -> Timesteps:
    """``steps`` Euler steps of equal size from time 0 to 1, for the package's ``estimator``.

    The times are added up as the package's solver adds them, in float32.
    """
    points = torch.linspace(0, 1, steps + 1)
    lengths, times = [], [points[0]]
    for step in range(steps):
        lengths.append(points[step + 1] - points[step])
        times.append(times[-1] + lengths[-1])
    time = torch.stack(times[:-1]).to(estimator.t_embedder.freqs.device)
    now, now_in_wavenet = (
        _embedded(embedder, time) for embedder in (estimator.t_embedder, estimator.t_embedder2)
    )
    transformer, wavenet = estimator.transformer, estimator.wavenet
    norms = [
        norm for layer in transformer.layers for norm in (layer.attention_norm, layer.ffn_norm)
    ]
    convolutions = [layer.conv.conv for layer in wavenet.in_layers]
    spread = float_linear(wavenet.cond_layer.conv.conv, now_in_wavenet).chunk(
        len(convolutions), dim=1
    )
    shift, scale = float_linear(
        estimator.final_layer.adaLN_modulation[1], functional.silu(now)
    ).chunk(2, dim=1)
    return Timesteps(
        lengths=[float(length) for length in lengths],
        norms=[_scale_and_shift(norm, now) for norm in (*norms, transformer.norm)],
        biases=[
            (part + convolution.bias.float()).to(convolution.weight.dtype)
            for part, convolution in zip(spread, convolutions, strict=True)
        ],
        last=(1 + scale, shift),
    )


def float_linear(layer: Any, values: Tensor) -> Tensor:
    """A linear layer, or a convolution over one frame, in float32 whatever its weights are."""
    weight = layer.weight.float().flatten(1)
    return functional.linear(values, weight, layer.bias.float())


def _scale_and_shift(norm: Any, now: Tensor) -> tuple[Tensor, Tensor]:
    scale, shift = float_linear(norm.project_layer, now).chunk(2, dim=1)
    return scale * norm.norm.weight.float(), shift


def _embedded(embedder: Any, time: Tensor) -> Tensor:
    """The package's time embedding (steps, width), in float32 whatever the weights are."""
    first, _, second = embedder.mlp
    hidden = functional.silu(float_linear(first, embedder.timestep_embedding(time)))
    return float_linear(second, hidden)
