"""What depends on the time alone: computed once for each number of Euler steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from adapters.indextts2.s2m.estimator import (
    AdaptiveNorm,
    BiasedLayer,
    MelEstimator,
    TimeEmbedder,
)


class Modulation(NamedTuple):
    """The scale and the shift of a norm at every step, float32."""

    scale: Tensor  # (steps, width)
    shift: Tensor  # (steps, width)

    def apply(self, normed: Tensor, step: int) -> Tensor:
        """Return ``normed`` (…, width) times the scale plus the shift of ``step``."""
        return torch.addcmul(self.shift[step], normed, self.scale[step])


@dataclass(frozen=True, slots=True, eq=False)
class Timesteps:
    """Sizes, norms and biases of every step of an integration from time 0 to 1.

    ``norms`` has two of each transformer layer, before attention and before the feed-forward
    layers, and the one after the last layer. The biases are in the weights' number type.
    """

    step_sizes: list[float]
    norms: list[Modulation]
    wavenet_biases: list[Tensor]  # one of each WaveNet layer: (steps, 2 · width)
    output_norm: Modulation


def compute_timesteps(estimator: MelEstimator, steps: int) -> Timesteps:
    """Evaluate all layers of ``estimator`` that depend on the time alone.

    The Euler steps have equal sizes. The times are float32 sums of the sizes, as in upstream's
    solver, ``BASECFM.solve_euler`` (s2mel/modules/flow_matching.py).
    """
    points = torch.linspace(0, 1, steps + 1)
    sizes, times = [], [points[0]]
    for step in range(steps):
        sizes.append(points[step + 1] - points[step])
        times.append(times[-1] + sizes[-1])
    time = torch.stack(times[:-1]).to(estimator.t_embedder.freqs.device)  # (steps,)
    embedding = _embedded(estimator.t_embedder, time)
    transformer = estimator.transformer
    norms = [
        norm for layer in transformer.layers for norm in (layer.attention_norm, layer.ffn_norm)
    ]
    return Timesteps(
        step_sizes=[float(size) for size in sizes],
        norms=[_norm_modulation(norm, embedding) for norm in (*norms, transformer.norm)],
        wavenet_biases=_wavenet_biases(estimator, _embedded(estimator.t_embedder2, time)),
        output_norm=_output_modulation(estimator.final_layer.adaLN_modulation, embedding),
    )


def float_linear(layer: BiasedLayer, values: Tensor) -> Tensor:
    """Apply ``layer`` in float32, whatever its number type is.

    Args:
        layer: The layer.
        values: (…, inputs), float32.

    Returns:
        (…, outputs), float32.
    """
    weight = layer.weight.float().flatten(1)
    return functional.linear(values, weight, layer.bias.float())


def _wavenet_biases(estimator: MelEstimator, embedding: Tensor) -> list[Tensor]:
    """Return the biases of the WaveNet's layers for the time ``embedding`` (steps, width).

    Upstream adds the time to the output of each convolution; here it is part of the bias.

    Returns:
        For each layer (steps, 2 · width), in the weights' number type.
    """
    wavenet = estimator.wavenet
    convolutions = [layer.conv.conv for layer in wavenet.in_layers]
    parts = float_linear(wavenet.cond_layer.conv.conv, embedding).chunk(len(convolutions), dim=1)
    return [
        (part + convolution.bias.float()).to(convolution.weight.dtype)
        for part, convolution in zip(parts, convolutions, strict=True)
    ]


def _norm_modulation(norm: AdaptiveNorm, embedding: Tensor) -> Modulation:
    """Return the modulation of an RMS norm for the time ``embedding`` (steps, width)."""
    scale, shift = float_linear(norm.project_layer, embedding).chunk(2, dim=1)
    return Modulation(scale * norm.norm.weight.float(), shift)


def _output_modulation(layers: Sequence[BiasedLayer], embedding: Tensor) -> Modulation:
    """Return the modulation of the last norm for the time ``embedding`` (steps, width)."""
    shift, scale = float_linear(layers[1], functional.silu(embedding)).chunk(2, dim=1)
    return Modulation(1 + scale, shift)


def _embedded(embedder: TimeEmbedder, time: Tensor) -> Tensor:
    """Embed ``time`` (steps,) as (steps, width), in float32 whatever the weights are."""
    first, _, second = embedder.mlp
    hidden = functional.silu(float_linear(first, embedder.timestep_embedding(time)))
    return float_linear(second, hidden)
