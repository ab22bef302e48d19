"""Upstream's velocity estimator (``DiT``), by the layers and sizes that are used of it.

Source: ``s2mel/modules/diffusion_transformer.py``, ``gpt_fast/model.py`` and ``wavenet.py`` of
upstream. Weight norm must be folded.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from domain.errors import ModelUnavailable

_STRUCTURE = {
    "time_as_token": False,
    "style_as_token": False,
    "uvit_skip_connection": True,
    "is_causal": False,
    "long_skip_connection": True,
    "transformer_style_condition": True,
    "final_layer_type": "wavenet",
}
"""The released model's structure, the only one that the forward pass here computes."""


class BiasedLayer(Protocol):
    """A linear layer, or a convolution over one frame, that has a bias."""

    @property
    def weight(self) -> Tensor:
        """(outputs, inputs); of a convolution (outputs, inputs, 1)."""

    @property
    def bias(self) -> Tensor:
        """(outputs,)."""


class TimeEmbedder(Protocol):
    """Sinusoidal embedding of the time, followed by two linear layers."""

    freqs: Tensor  # (128,)
    mlp: Sequence[Any]  # linear, SiLU, linear

    def timestep_embedding(self, t: Tensor) -> Tensor:
        """Embed the times ``t`` (n,) as sines and cosines (n, 256)."""


class RmsNorm(Protocol):
    """Root-mean-square norm."""

    weight: Tensor  # (width,)
    eps: float


class AdaptiveNorm(Protocol):
    """A norm whose scale and shift ``project_layer`` computes from the time embedding."""

    project_layer: BiasedLayer
    norm: RmsNorm
    eps: float


class Attention(Protocol):
    """Self-attention; ``wqkv`` computes queries, keys and values in one product."""

    wqkv: nn.Linear
    wo: nn.Linear


class FeedForward(Protocol):
    """SwiGLU: w2(silu(w1(x)) · w3(x))."""

    w1: nn.Linear
    w2: nn.Linear
    w3: nn.Linear


class Block(Protocol):
    """A layer of the transformer; ``skip_in_linear`` merges a U-ViT skip connection."""

    attention: Attention
    attention_norm: AdaptiveNorm
    feed_forward: FeedForward
    ffn_norm: AdaptiveNorm
    skip_in_linear: nn.Linear


class TransformerConfig(Protocol):
    """The sizes of the rotary positions."""

    head_dim: int
    rope_base: float


class Transformer(Protocol):
    """The transformer's layers and its last norm."""

    config: TransformerConfig
    layers: Sequence[Block]
    norm: AdaptiveNorm


class WaveNetLayers(Protocol):
    """The layers of the WaveNet; each ``conv.conv`` is an ``nn.Conv1d``."""

    hidden_channels: int
    in_layers: Sequence[Any]
    res_skip_layers: Sequence[Any]
    cond_layer: Any


class FinalLayer(Protocol):
    """A layer norm whose scale and shift depend on the time, and a linear layer."""

    adaLN_modulation: Sequence[Any]  # noqa: N815 - upstream's name; SiLU, linear
    linear: nn.Linear


class MelEstimator(Protocol):
    """The estimator, layer by layer in the order of its forward pass."""

    in_channels: int  # 80, the bands of a mel
    num_heads: int
    t_embedder: TimeEmbedder
    t_embedder2: TimeEmbedder
    cond_projection: nn.Linear
    cond_x_merge_linear: nn.Linear
    transformer: Transformer
    skip_linear: nn.Linear
    conv1: nn.Linear
    res_projection: nn.Linear
    wavenet: WaveNetLayers
    final_layer: FinalLayer
    conv2: BiasedLayer


def require_known_structure(estimator: object) -> None:
    """Check that ``estimator`` is built like the released model's.

    Raises:
        ModelUnavailable: It has another structure; the message names the setting.
    """
    for name, value in _STRUCTURE.items():
        if getattr(estimator, name) != value:
            raise ModelUnavailable(f"config.yaml describes another mel decoder: {name}")


def weight_dtype(estimator: MelEstimator) -> torch.dtype:
    """Return the number type of the weights, in which the large products are computed."""
    return estimator.cond_x_merge_linear.weight.dtype
