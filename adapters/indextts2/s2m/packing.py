"""Rows of unequal length side by side, without padding between them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Row:
    """A stretch of ``frames`` of which the first ``heard`` are the reference's and stay as is."""

    frames: int
    heard: int


class Packing:
    """Where the frames of several rows lie when they are laid end to end.

    Three layouts, all row after row:

    - packed: every frame of every row;
    - kept: of each row the frames to paint and up to ``halo`` heard ones before them, which is all
      that convolutions reaching ``halo`` frames to the left can feel;
    - wide: the kept frames of each row between two margins of ``room`` frames, where convolutions
      find the reflection of the row's own ends, as they would if it were alone.

    Every public tensor is a list of places (int64): ``positions`` (packed,) counts within the row;
    ``painted`` are the frames to paint among the packed ones, ``painted_of_kept`` and
    ``painted_of_wide`` the same frames in the other layouts; ``kept`` are the kept frames among the
    packed ones; ``wide`` says which kept frame stands in each wide place; ``margins`` are the
    places of the margins among the wide ones, ``mirrored`` the places they reflect.
    """

    def __init__(
        self, rows: Sequence[Row], *, halo: int, room: int, device: torch.device | None = None
    ) -> None:
        starts = [max(0, row.heard - halo) for row in rows]
        self.slices = _slices([row.frames for row in rows])
        self.kept_slices = _slices(
            [row.frames - start for row, start in zip(rows, starts, strict=True)]
        )
        self.painted_lengths = [row.frames - row.heard for row in rows]
        positions: list[int] = []
        kept: list[int] = []
        painted, painted_of_kept, painted_of_wide = [], [], []
        wide, margins, mirrored = [], [], []
        width = 0
        for row, start, own, own_kept in zip(
            rows, starts, self.slices, self.kept_slices, strict=True
        ):
            length = row.frames - start
            to_paint = range(row.heard - start, length)
            positions += range(row.frames)
            painted += [own.start + start + frame for frame in to_paint]
            kept += range(own.start + start, own.stop)
            painted_of_kept += [own_kept.start + frame for frame in to_paint]
            painted_of_wide += [width + room + frame for frame in to_paint]
            for frame in range(-room, length + room):
                inside = _reflected(frame, length)
                wide.append(own_kept.start + inside)
                if inside != frame:
                    margins.append(width + room + frame)
                    mirrored.append(width + room + inside)
            width += length + 2 * room
        self.positions = torch.tensor(positions, device=device)
        self.painted = torch.tensor(painted, device=device)
        self.kept = torch.tensor(kept, device=device)
        self.painted_of_kept = torch.tensor(painted_of_kept, device=device)
        self.wide = torch.tensor(wide, device=device)
        self.painted_of_wide = torch.tensor(painted_of_wide, device=device)
        self.margins = torch.tensor(margins, device=device)
        self.mirrored = torch.tensor(mirrored, device=device)

    def rows_of(self, painted: Tensor) -> list[Tensor]:
        """Cut what was painted (painted frames, channels) into its rows."""
        return list(torch.split(painted, self.painted_lengths))


def _slices(lengths: Sequence[int]) -> list[slice]:
    slices, begin = [], 0
    for length in lengths:
        slices.append(slice(begin, begin + length))
        begin += length
    return slices


def _reflected(frame: int, length: int) -> int:
    if frame < 0:
        frame = -frame
    return frame if frame < length else 2 * (length - 1) - frame
