"""What the beams of a segment remember, kept once for all of them."""

from collections.abc import Callable

import torch
from torch import Tensor

_POSITIONS = 128
"""Space comes in multiples of this, so that neighbouring lengths ask for the same block."""


class KeyValueCache:
    """Keys and values of every layer for a batch of segments, whose beams share them.

    A segment holds its prompt once and then one position for each beam and step. ``_bias``
    (segments, 1, beams, space) says which positions a beam sees: 0 for those it descends from,
    minus infinity for all else. So beams that branch and swap move a few numbers of the bias,
    never keys or values; and what no beam descends from any more is dropped when space runs out.
    Then at least ``room`` more steps fit: more of them are tidied up after less often, and read
    over more often.
    """

    def __init__(self, *, layers: int, beams: int, room: int) -> None:
        self._layers: list[Tensor | None] = [None] * layers
        self._beams = beams
        self._room = room
        self._bias = torch.zeros(0, 1, beams, 0)
        self._length = 0

    @property
    def bias(self) -> Tensor:
        """What one new position of each beam sees, (segments, 1, beams, positions)."""
        return self._bias[:, :, :, : self._length]

    def open(self, padding: Tensor, length: int, dtype: torch.dtype) -> None:
        """Make space for prompts of ``length`` positions, the first ``padding`` (segments,) empty.

        The keys and values that come next are the prompts'.
        """
        space = self._space_for(length)
        empty = torch.arange(space, device=padding.device)[None] < padding[:, None]
        bias = torch.zeros(empty.shape, dtype=dtype, device=padding.device)
        bias = bias.masked_fill(empty, -torch.inf)
        self._bias = bias[:, None, None].repeat(1, 1, self._beams, 1)
        self._length = length

    def advance(self, origins: Tensor) -> None:
        """Add a position for each beam, which goes on from the beam ``origins`` (segments, beams).

        The keys and values that come next are those positions'.
        """
        seen = self.bias
        seen.copy_(seen.gather(2, origins[:, None, :, None].expand(seen.shape)))
        if self._length + self._beams > self._bias.shape[3]:
            self._make_room()
        begin, end = self._length, self._length + self._beams
        self._bias[:, :, :, begin:end] = _itself(self._beams, self._bias)
        self._length = end

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of ``layer``, new ones last; each (segments, heads, positions, size).

        ``open`` or ``advance`` came before and made the space.
        """
        end, begin = self._length, self._length - keys.shape[2]
        stored = self._layers[layer]
        if stored is None:
            segments, heads, _, size = keys.shape
            stored = keys.new_zeros(2, segments, heads, self._bias.shape[3], size)
            self._layers[layer] = stored
        stored[0, :, :, begin:end] = keys
        stored[1, :, :, begin:end] = values
        return stored[0, :, :, :end], stored[1, :, :, :end]

    def keep(self, segments: Tensor) -> None:
        """Keep the given segments, in their order."""
        self._bias = self._bias[segments]
        self._replace(lambda stored: stored[:, segments])

    def _make_room(self) -> None:
        """Forget what no beam descends from, and take more space only where that is not enough."""
        bias = self.bias
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
        roomier = bias.new_zeros(*bias.shape[:3], space)
        roomier[:, :, :, :length] = bias.gather(
            3, places[:, None, None].expand(*bias.shape[:3], -1)
        )
        self._bias, self._length = roomier, length

    def _space_for(self, length: int) -> int:
        needed = length + self._beams * self._room
        return -(-needed // _POSITIONS) * _POSITIONS

    def _replace(self, change: Callable[[Tensor], Tensor]) -> None:
        """Change layer after layer, so that only one of them is ever there twice."""
        for layer, stored in enumerate(self._layers):
            if stored is not None:
                self._layers[layer] = change(stored)


def _itself(beams: int, like: Tensor) -> Tensor:
    """Of the newest positions a beam sees its own alone: (beams, beams)."""
    own = torch.eye(beams, dtype=torch.bool, device=like.device)
    return torch.zeros_like(own, dtype=like.dtype).masked_fill(~own, -torch.inf)
