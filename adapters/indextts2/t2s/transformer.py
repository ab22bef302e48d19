"""The language model's transformer, run on embeddings."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, scaled_dot_product_attention

from adapters.indextts2.t2s.kv_cache import KeyValueCache


class Transformer:
    """GPT-2 blocks run on embeddings, up to and with the last layer's norm.

    Takes the package's ``gpt`` for its weights only: position embeddings are added before.
    ``dtype`` is the number type in which positions attend to one another.
    """

    def __init__(self, *, gpt: Any, heads: int) -> None:
        self._blocks = list(gpt.h)
        self._last_norm = gpt.ln_f
        self._heads = heads
        self.dtype: torch.dtype = self._blocks[0].attn.c_attn.weight.dtype

    def run(self, x: Tensor, cache: KeyValueCache | None, bias: Tensor | None) -> Tensor:
        """Hidden states (rows, new, width) of embeddings ``x`` of the same shape.

        New positions see what is in ``cache`` and one another, as ``bias`` (rows, 1, new, all
        positions) says, which is added to the attention scores. Without cache and bias each sees
        itself and those before it.
        """
        for layer, block in enumerate(self._blocks):
            query, keys, values = (
                part.unflatten(-1, (self._heads, -1)).transpose(1, 2)
                for part in block.attn.c_attn(block.ln_1(x).to(self.dtype)).chunk(3, dim=-1)
            )
            if cache is not None:
                keys, values = cache.append(layer, keys, values)
            heard = scaled_dot_product_attention(
                query, keys, values, attn_mask=bias, is_causal=bias is None
            )
            x = x + block.attn.c_proj(heard.transpose(1, 2).flatten(2))
            # One kernel for what the package's activation spells out in eight.
            inner = gelu(block.mlp.c_fc(block.ln_2(x).to(self.dtype)), approximate="tanh")
            x = x + block.mlp.c_proj(inner)
        hidden: Tensor = self._last_norm(x)
        return hidden


def causal_bias(padding: Tensor, length: int, dtype: torch.dtype) -> Tensor:
    """Attention bias (rows, 1, length, length) for rows whose first ``padding`` (rows,) are empty.

    An empty position sees itself, so that its softmax has something to stand on.
    """
    position = torch.arange(length, device=padding.device)
    visible = position[None, :] <= position[:, None]
    visible = visible[None] & (position[None, None, :] >= padding[:, None, None])
    visible = visible | torch.eye(length, dtype=torch.bool, device=padding.device)
    bias = torch.zeros(visible.shape, dtype=dtype, device=visible.device)
    return bias.masked_fill(~visible, -torch.inf)[:, None]
