"""The language model's transformer with a key-value cache of its own."""

from typing import Any

import torch
from torch import Tensor

_GROWTH = 256


class KeyValueCache:
    """Keys and values of every layer for the positions so far: rows can be copied and dropped."""

    def __init__(self, *, layers: int) -> None:
        self._stored: list[Tensor | None] = [None] * layers
        self.length = 0

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of ``layer``, new ones last; each (rows, heads, positions, size)."""
        start, end = self.length, self.length + keys.shape[2]
        stored = self._stored[layer]
        if stored is None or stored.shape[3] < end:
            stored = self._grow(stored, keys, end)
            self._stored[layer] = stored
        stored[0, :, :, start:end] = keys
        stored[1, :, :, start:end] = values
        return stored[0, :, :, :end], stored[1, :, :, :end]

    def select(self, rows: Tensor) -> None:
        """Keep the given rows, in their order; a row may be given more than once."""
        self._stored = [
            stored.index_select(1, rows) if stored is not None else None for stored in self._stored
        ]

    @staticmethod
    def _grow(stored: Tensor | None, keys: Tensor, needed: int) -> Tensor:
        rows, heads, _, size = keys.shape
        grown = keys.new_zeros(2, rows, heads, needed + _GROWTH, size)
        if stored is not None:
            grown[:, :, :, : stored.shape[3]] = stored
        return grown


class Backbone:
    """GPT-2 blocks run on embeddings, up to and with the last layer's norm.

    Takes the package's ``gpt`` for its weights only: position embeddings are added before.
    """

    def __init__(self, *, gpt: Any, heads: int) -> None:
        self._blocks = list(gpt.h)
        self._last_norm = gpt.ln_f
        self._heads = heads

    def new_cache(self) -> KeyValueCache:
        return KeyValueCache(layers=len(self._blocks))

    def run(self, x: Tensor, cache: KeyValueCache, bias: Tensor | None) -> Tensor:
        """Hidden states (rows, new, width) of embeddings ``x`` of the same shape.

        ``bias`` (rows, 1, new, all positions) is added to the attention scores; None lets every
        new position see every position, which is right for one new position without padding.
        """
        for layer, block in enumerate(self._blocks):
            query, keys, values = (
                part.unflatten(-1, (self._heads, -1)).transpose(1, 2)
                for part in block.attn.c_attn(block.ln_1(x)).chunk(3, dim=-1)
            )
            keys, values = cache.append(layer, keys, values)
            heard = torch.nn.functional.scaled_dot_product_attention(
                query, keys, values, attn_mask=bias
            )
            x = x + block.attn.c_proj(heard.transpose(1, 2).flatten(2))
            x = x + block.mlp(block.ln_2(x))
        cache.length += x.shape[1]
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
    return _bias(visible, dtype)[:, None]


def padding_bias(padding: Tensor, length: int, dtype: torch.dtype) -> Tensor:
    """Attention bias (rows, 1, 1, length) for one new position that sees all but the padding."""
    visible = torch.arange(length, device=padding.device)[None] >= padding[:, None]
    return _bias(visible, dtype)[:, None, None]


def _bias(visible: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.zeros(visible.shape, dtype=dtype, device=visible.device).masked_fill(
        ~visible, -torch.inf
    )
