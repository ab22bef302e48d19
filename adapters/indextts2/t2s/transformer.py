"""The language model's transformer, run on embeddings."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, scaled_dot_product_attention

from adapters.indextts2.t2s.kv_cache import KeyValueCache
from adapters.indextts2.t2s.language_model import Gpt2


class Transformer:
    """The GPT-2 blocks of the language model and the norm after the last one.

    Position embeddings are added to the embeddings beforehand. ``dtype`` is the number type of
    queries, keys and values.
    """

    def __init__(self, *, gpt: Gpt2, heads: int) -> None:
        """Take the weights of ``gpt``, whose ``forward`` is not used."""
        self._blocks = list(gpt.h)
        self._last_norm = gpt.ln_f
        self._heads = heads
        self.dtype: torch.dtype = self._blocks[0].attn.c_attn.weight.dtype

    def run(self, x: Tensor, cache: KeyValueCache | None, bias: Tensor | None) -> Tensor:
        """Return the hidden states of new positions.

        Args:
            x: Embeddings (rows, new, width) of the new positions.
            cache: The keys and values of earlier positions, to which those of ``x`` are added.
            bias: Attention bias (rows, 1, new, all positions), added to the attention scores.
                Without it attention is causal, and ``x`` must hold all positions.

        Returns:
            (rows, new, width).
        """
        for layer, block in enumerate(self._blocks):
            x = x + self._attention(block, layer, x, cache, bias)
            # One kernel for the activation that the package computes in eight (``gelu_new``).
            inner = gelu(block.mlp.c_fc(block.ln_2(x).to(self.dtype)), approximate="tanh")
            x = x + block.mlp.c_proj(inner)
        return self._last_norm(x)

    def _attention(
        self, block: Any, layer: int, x: Tensor, cache: KeyValueCache | None, bias: Tensor | None
    ) -> Tensor:
        """Return the attention output (rows, new, width) of ``block``; arguments as in ``run``."""
        projected = block.attn.c_attn(block.ln_1(x).to(self.dtype))  # (rows, new, 3 width)
        query, keys, values = (  # (rows, heads, new, size) each
            part.unflatten(-1, (self._heads, -1)).transpose(1, 2)
            for part in projected.chunk(3, dim=-1)
        )
        if cache is not None:
            keys, values = cache.append(layer, keys, values)
        attended = scaled_dot_product_attention(
            query, keys, values, attn_mask=bias, is_causal=bias is None
        )
        output: Tensor = block.attn.c_proj(attended.transpose(1, 2).flatten(2))
        return output


def causal_bias(padding: Tensor, length: int, dtype: torch.dtype) -> Tensor:
    """Return the attention bias of a batch of prompts that are padded on the left.

    A padding position attends to itself: softmax of a row that is masked everywhere is NaN.

    Args:
        padding: (rows,), int64: the number of padding positions at the start of each row.
        length: Positions of a row, padding included.
        dtype: Number type of the bias.

    Returns:
        (rows, 1, length, length): 0 where the position of the third axis attends to that of the
        fourth, else minus infinity.
    """
    position = torch.arange(length, device=padding.device)
    causal = position[None, :] <= position[:, None]
    visible = causal[None] & (position[None, None, :] >= padding[:, None, None])
    visible = visible | torch.eye(length, dtype=torch.bool, device=padding.device)
    bias = torch.zeros(visible.shape, dtype=dtype, device=visible.device)
    return bias.masked_fill(~visible, -torch.inf)[:, None]
