"""What the beams of a segment remember, kept once for all of them."""

from collections.abc import Callable

import torch
from torch import Tensor

from adapters.indextts2.t2s.steps.buckets import Buckets
from adapters.indextts2.t2s.steps.buffers import Buffers

_POSITIONS = 128
"""Space comes in multiples of this, so that neighbouring lengths ask for the same block."""


class KeyValueCache:
    """Keys and values of every layer for a batch of segments, whose beams share them.

    A segment holds its prompt once and then one position for each beam and step. ``_bias``
    (segments, 1, beams, space) says which positions a beam sees: 0 for those it descends from,
    minus infinity for all else. So beams that branch and swap move a few numbers of the bias,
    never keys or values; and what no beam descends from any more is dropped when space runs out.
    Then at least ``room`` more steps fit: more of them are tidied up after less often, and read
    over more often. What is empty holds zeros, since a weight of zero silences numbers alone.

    ``begin_step``, ``append`` and ``follow`` belong to a step: they know the place to write at from
    ``_places`` (beams,) on the device alone. All else is done between steps, where ``_length``
    counts the positions that the steps so far have taken.
    """

    def __init__(self, *, beams: int, room: int, buckets: Buckets, buffers: Buffers) -> None:
        self._layers: list[Tensor] = []
        self._beams = beams
        self._room = room
        self._buckets = buckets
        self._buffers = buffers
        self._bias = self._places = torch.zeros(0)
        self._length = self._read = 0

    @property
    def bias(self) -> Tensor:
        """What one new position of each beam sees, (segments, 1, beams, positions)."""
        return self._bias[:, :, :, : self._read]

    @property
    def shape(self) -> tuple[int, int]:
        """How many positions there is space for, and how many of them a step reads."""
        return self._bias.shape[3], self._read

    def start(self, padding: Tensor, length: int, dtype: torch.dtype) -> None:
        """Make space for prompts of ``length`` positions, the first ``padding`` (segments,) empty.

        The keys and values that come next are the prompts', layer after layer.
        """
        space = self._space_for(length)
        empty = torch.arange(space, device=padding.device)[None] < padding[:, None]
        bias = torch.zeros(empty.shape, dtype=dtype, device=padding.device)
        bias = bias.masked_fill(empty, -torch.inf)
        bias[:, length:] = -torch.inf
        self._put_bias(bias[:, None, None].repeat(1, 1, self._beams, 1), length)

    def make_room(self) -> None:
        """Before each step: see to it that its positions fit."""
        if self._length + self._beams > self._bias.shape[3]:
            self._tidy()
        self._length += self._beams
        self._read = self._buckets.positions(self._length, self._bias.shape[3])

    def begin_step(self) -> None:
        """Add a position for each beam, which sees it; the keys and values that come are theirs."""
        own = torch.eye(self._beams, dtype=torch.bool, device=self._bias.device)
        own_bias = torch.zeros_like(own, dtype=self._bias.dtype).masked_fill(~own, -torch.inf)
        shape = (*self._bias.shape[:3], self._beams)
        self._bias.index_copy_(3, self._places, own_bias.expand(shape))

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of ``layer``; each (segments, heads, positions, size)."""
        if layer == len(self._layers):
            segments, heads, length, size = keys.shape
            stored = keys.new_zeros(2, segments, heads, self._bias.shape[3], size)
            stored[0, :, :, :length], stored[1, :, :, :length] = keys, values
            self._layers.append(self._buffers.write(_name(layer), stored))
            return keys, values
        stored = self._layers[layer]
        stored[0].index_copy_(2, self._places, keys)
        stored[1].index_copy_(2, self._places, values)
        return stored[0, :, :, : self._read], stored[1, :, :, : self._read]

    def follow(self, origins: Tensor) -> None:
        """End a step: each beam goes on from the beam that ``origins`` (segments, beams) names."""
        seen = self.bias
        seen.copy_(seen.gather(2, origins[:, None, :, None].expand(seen.shape)))
        self._places.add_(self._beams)

    def keep(self, segments: Tensor) -> None:
        """Keep the given segments, in their order; one may be kept more than once."""
        self._bias = self._buffers.write("bias", self._bias.index_select(0, segments))
        self._replace(lambda stored: stored.index_select(1, segments))

    def _tidy(self) -> None:
        """Forget what no beam descends from, and take more space only where that is not enough."""
        bias = self._bias[:, :, :, : self._length]
        wanted = (bias > -torch.inf).any(dim=2)[:, 0]
        length = int(wanted.sum(dim=1).max())
        # The wanted positions come last, in their order; a segment with fewer keeps some masked.
        places = wanted.long().argsort(dim=1, stable=True)[:, -length:]
        space = self._space_for(length)

        def moved(stored: Tensor) -> Tensor:
            index = places[None, :, None, :, None].expand(2, -1, stored.shape[2], -1, 1)
            roomy = stored.new_zeros(*stored.shape[:3], space, stored.shape[4])
            roomy[:, :, :, :length] = stored.gather(3, index.expand(-1, -1, -1, -1, roomy.shape[4]))
            return roomy

        self._replace(moved)
        roomier = bias.new_full((*bias.shape[:3], space), -torch.inf)
        roomier[:, :, :, :length] = bias.gather(
            3, places[:, None, None].expand(*bias.shape[:3], -1)
        )
        self._put_bias(roomier, length)

    def _put_bias(self, bias: Tensor, length: int) -> None:
        """``bias`` with ``length`` positions in use; the next step writes after them."""
        self._bias = self._buffers.write("bias", bias)
        places = torch.arange(length, length + self._beams, device=bias.device)
        self._places = self._buffers.write("places", places)
        self._length = length

    def _space_for(self, length: int) -> int:
        needed = length + self._beams * self._room
        return -(-needed // _POSITIONS) * _POSITIONS

    def _replace(self, change: Callable[[Tensor], Tensor]) -> None:
        """Change layer after layer, so that only one of them is ever there twice."""
        for layer, stored in enumerate(self._layers):
            self._layers[layer] = self._buffers.write(_name(layer), change(stored))


def _name(layer: int) -> str:
    return f"layer {layer}"
