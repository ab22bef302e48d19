"""Weights derived once from the estimator's: layers split by input, or multiplied into one.

Linear layers with nothing but a sum between them are one linear layer, whose weight is the product
of theirs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from adapters.indextts2.s2m.estimator import MelEstimator, weight_dtype


@dataclass(frozen=True, slots=True, eq=False)
class InputWeights:
    """``cond_x_merge_linear`` split by its inputs, float32; W is the transformer's width."""

    state: Tensor  # (W, 80)
    prompt_mel: Tensor  # (W, 80)
    content: Tensor  # (W, W)
    style: Tensor  # (W, 192)
    bias: Tensor  # (W,)


@dataclass(frozen=True, slots=True, eq=False)
class SkipFolded:
    """The long skip connection's layer, folded into the two layers that it feeds.

    V is the WaveNet's width. Of the 2 · V outputs, the first V are the WaveNet's input, the others
    its residual.
    """

    weight: Tensor  # (2 · V, W), in the weights' number type: of the transformer's output
    bias: Tensor  # (2 · V,), in the weights' number type
    state_weight: Tensor  # (2 · V, 80), float32: of the state


@dataclass(frozen=True, slots=True, eq=False)
class OutputProjection:
    """The final layer's linear layer, folded into the last convolution; float32."""

    weight: Tensor  # (80, V)
    bias: Tensor  # (80,)


def split_input(estimator: MelEstimator) -> InputWeights:
    """Split the first layer, so that what does not depend on the state is computed once."""
    merge, bands = estimator.cond_x_merge_linear, estimator.in_channels
    content = estimator.cond_projection.out_features
    style = merge.in_features - 2 * bands - content
    parts = torch.split(merge.weight.float(), [bands, bands, content, style], dim=1)
    return InputWeights(
        state=parts[0].contiguous(),
        prompt_mel=parts[1],
        content=parts[2],
        style=parts[3],
        bias=merge.bias.float(),
    )


def fold_skip(estimator: MelEstimator) -> SkipFolded:
    """Fold ``skip_linear`` into ``conv1`` and ``res_projection``, the only layers that use it."""
    skip, dtype, bands = estimator.skip_linear, weight_dtype(estimator), estimator.in_channels
    layers = (estimator.conv1, estimator.res_projection)
    after = torch.cat([layer.weight for layer in layers]).float()  # (2 · V, W)
    biases = torch.cat([layer.bias for layer in layers]).float()
    folded = after @ skip.weight.float()  # (2 · V, W + 80)
    return SkipFolded(
        weight=folded[:, :-bands].to(dtype),
        bias=(after @ skip.bias.float() + biases).to(dtype),
        state_weight=folded[:, -bands:].contiguous(),
    )


def fold_output(estimator: MelEstimator) -> OutputProjection:
    """Fold ``final_layer.linear`` into ``conv2``, a convolution over one frame."""
    linear, last = estimator.final_layer.linear, estimator.conv2
    after = last.weight[:, :, 0].float()  # (80, V)
    return OutputProjection(
        weight=after @ linear.weight.float(),
        bias=after @ linear.bias.float() + last.bias.float(),
    )
