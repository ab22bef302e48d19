"""Key-value cache of the language model, shared by the beams of a row."""

from collections.abc import Callable

import torch
from torch import Tensor

from adapters.indextts2.t2s.steps.buckets import Buckets
from adapters.indextts2.t2s.steps.buffers import Buffers

_CAPACITY_MULTIPLE = 128
"""Positions to whose multiple the capacity is rounded up: prompts of similar length get one shape,
so that captured steps and the allocator's blocks serve again."""


class KeyValueCache:
    """Keys and values of every layer for a batch of rows, whose beams share them.

    A row holds its prompt once, then one position for each beam and step. The attention bias
    (rows, 1, beams, capacity) is 0 for the positions that a beam descends from and minus infinity
    for all others. Beams that branch or swap therefore move bias values, never keys or values.
    Positions that no beam descends from are dropped when the capacity runs out. Empty positions
    hold zeros: an attention weight of zero times NaN would be NaN.

    A step calls ``begin_step``, ``append`` for each layer and ``end_step``. These read the
    positions to write at from the device. Everything else runs between steps, on the host's count
    of used positions: ``reserve_step`` before each step.
    """

    def __init__(
        self, *, beams: int, reserve_steps: int, buckets: Buckets, buffers: Buffers
    ) -> None:
        """Create an empty cache.

        Args:
            beams: Beams of each row.
            reserve_steps: Steps that fit after each compaction, at least. More of them make
                compactions rarer and attention longer.
            buckets: Rounds the number of positions that a step attends over.
            buffers: Memory for all tensors.
        """
        self._beams = beams
        self._reserve_steps = reserve_steps
        self._buckets = buckets
        self._buffers = buffers
        self._layers: list[Tensor] = []  # (2, rows, heads, capacity, size) each: keys, values
        self._bias = torch.zeros(0)  # (rows, 1, beams, capacity)
        self._write_positions = torch.zeros(0)  # (beams,), int64: where the next step writes
        self._used = self._attended = 0

    @property
    def bias(self) -> Tensor:
        """Attention bias (rows, 1, beams, attended positions) of one new position of each beam."""
        return self._bias[:, :, :, : self._attended]

    @property
    def shape(self) -> tuple[int, int]:
        """Capacity in positions, and the number of positions that a step attends over."""
        return self._bias.shape[3], self._attended

    def start(self, padding: Tensor, length: int, dtype: torch.dtype) -> None:
        """Allocate memory for prompts, whose keys and values ``append`` then brings.

        Args:
            padding: (rows,), int64: number of padding positions at the start of each prompt.
            length: Positions of each prompt, padding included.
            dtype: Number type of the bias.
        """
        capacity = self._capacity_for(length)
        is_padding = torch.arange(capacity, device=padding.device)[None] < padding[:, None]
        bias = torch.zeros(is_padding.shape, dtype=dtype, device=padding.device)
        bias = bias.masked_fill(is_padding, -torch.inf)
        bias[:, length:] = -torch.inf
        self._write_bias(bias[:, None, None].repeat(1, 1, self._beams, 1), length)

    def reserve_step(self) -> None:
        """Reserve the positions of the next step; compact the cache where they do not fit."""
        if self._used + self._beams > self._bias.shape[3]:
            self._compact()
        self._used += self._beams
        self._attended = self._buckets.positions(self._used, self._bias.shape[3])

    def begin_step(self) -> None:
        """Add one position for each beam, which alone attends to it."""
        is_own = torch.eye(self._beams, dtype=torch.bool, device=self._bias.device)
        own_bias = torch.zeros_like(is_own, dtype=self._bias.dtype).masked_fill(~is_own, -torch.inf)
        shape = (*self._bias.shape[:3], self._beams)
        self._bias.index_copy_(3, self._write_positions, own_bias.expand(shape))

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add keys and values of new positions, and return those of all positions.

        Args:
            layer: Index of the layer. The first call for a layer brings the prompts.
            keys: (rows, heads, new, size).
            values: (rows, heads, new, size).

        Returns:
            Keys and values, both (rows, heads, attended positions, size).
        """
        if layer == len(self._layers):
            rows, heads, length, size = keys.shape
            stored = keys.new_zeros(2, rows, heads, self._bias.shape[3], size)
            stored[0, :, :, :length], stored[1, :, :, :length] = keys, values
            self._layers.append(self._buffers.write(_name(layer), stored))
            return keys, values
        stored = self._layers[layer]
        stored[0].index_copy_(2, self._write_positions, keys)
        stored[1].index_copy_(2, self._write_positions, values)
        return stored[0, :, :, : self._attended], stored[1, :, :, : self._attended]

    def end_step(self, parents: Tensor) -> None:
        """Give each beam the history of the beam it continues, ``parents`` (rows, beams), int64."""
        bias = self.bias
        bias.copy_(bias.gather(2, parents[:, None, :, None].expand(bias.shape)))
        self._write_positions.add_(self._beams)

    def keep_rows(self, rows: Tensor) -> None:
        """Keep only ``rows`` (kept,), int64, in their order; a row may be kept more than once."""
        self._bias = self._buffers.write("bias", self._bias.index_select(0, rows))
        self._rewrite_layers(lambda stored: stored.index_select(1, rows))

    def _compact(self) -> None:
        """Drop positions that no beam descends from; grow only where that is not enough."""
        bias = self._bias[:, :, :, : self._used]
        is_needed = (bias > -torch.inf).any(dim=2)[:, 0]  # (rows, used)
        length = int(is_needed.sum(dim=1).max())
        # A stable sort puts the needed positions last, in their order. Rows with fewer of them keep
        # some masked ones.
        kept = is_needed.long().argsort(dim=1, stable=True)[:, -length:]  # (rows, length)
        capacity = self._capacity_for(length)

        def compacted(stored: Tensor) -> Tensor:  # (2, rows, heads, capacity, size)
            index = kept[None, :, None, :, None].expand(2, -1, stored.shape[2], -1, 1)
            result = stored.new_zeros(*stored.shape[:3], capacity, stored.shape[4])
            result[:, :, :, :length] = stored.gather(
                3, index.expand(-1, -1, -1, -1, stored.shape[4])
            )
            return result

        self._rewrite_layers(compacted)
        new_bias = bias.new_full((*bias.shape[:3], capacity), -torch.inf)
        new_bias[:, :, :, :length] = bias.gather(3, kept[:, None, None].expand(*bias.shape[:3], -1))
        self._write_bias(new_bias, length)

    def _write_bias(self, bias: Tensor, used: int) -> None:
        """Set the bias (rows, 1, beams, capacity), of which ``used`` positions are in use."""
        self._bias = self._buffers.write("bias", bias)
        positions = torch.arange(used, used + self._beams, device=bias.device)
        self._write_positions = self._buffers.write("write_positions", positions)
        self._used = used

    def _capacity_for(self, length: int) -> int:
        needed = length + self._beams * self._reserve_steps
        return -(-needed // _CAPACITY_MULTIPLE) * _CAPACITY_MULTIPLE

    def _rewrite_layers(self, change: Callable[[Tensor], Tensor]) -> None:
        """Change one layer after the other, so that only one of them is in memory twice.

        ``change`` takes and returns (2, rows, heads, capacity, size), of any rows and capacity.
        """
        for layer, stored in enumerate(self._layers):
            self._layers[layer] = self._buffers.write(_name(layer), change(stored))


def _name(layer: int) -> str:
    """Return the name of the buffer of ``layer``."""
    return f"layer {layer}"
