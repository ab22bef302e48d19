"""Sequences of unequal length end to end, without padding between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Row:
    """One sequence of ``frames``: first the prompt frames, which stay as they are, then targets."""

    frames: int
    prompt_frames: int


@dataclass(frozen=True, slots=True, eq=False)
class Packing:
    """Where the frames of several rows are in each of three layouts, row after row.

    - packed: every frame of every row;
    - trimmed: of each row the target frames and a few prompt frames before them, as many as the
      WaveNet's receptive field holds (the context);
    - padded: the trimmed frames of each row between two margins, which hold the reflection of the
      row's own ends, as upstream's convolutions pad a row that is alone.

    Every tensor holds indices, int64. "x_in_y" are the indices of the frames x in the layout y.
    """

    slices: list[slice]  # of each row in the packed layout
    trimmed_lengths: list[int]  # of each row, in frames
    target_lengths: list[int]  # of each row, in frames
    positions: Tensor  # (packed,): each frame's position in its row
    target_in_packed: Tensor  # (target,)
    target_in_trimmed: Tensor  # (target,)
    target_in_padded: Tensor  # (target,)
    trimmed_in_packed: Tensor  # (trimmed,)
    padded_sources: Tensor  # (padded,): the trimmed frame that each padded frame copies
    margin_in_padded: Tensor  # (margin,)
    mirrored_in_padded: Tensor  # (margin,): the padded frame that each margin frame copies

    def split_targets(self, frames: Tensor) -> list[Tensor]:
        """Split ``frames`` (target, channels) into rows, each (row's target, channels)."""
        return list(torch.split(frames, self.target_lengths))


def pack(rows: Sequence[Row], *, context: int, padding: int, device: torch.device) -> Packing:
    """Compute where the frames of ``rows`` are.

    Args:
        rows: At least one.
        context: Prompt frames before the target frames that the trimmed layout keeps.
        padding: Frames of each margin of the padded layout.
        device: The device of the indices.
    """
    lengths = [row.frames for row in rows]
    targets = [row.frames - row.prompt_frames for row in rows]
    trimmed = [
        target + min(row.prompt_frames, context) for row, target in zip(rows, targets, strict=True)
    ]
    padded = [length + 2 * padding for length in trimmed]
    sources = [_reflected(length, padding) for length in trimmed]
    padded_sources = _shifted(sources, _starts(trimmed))
    mirrored = _shifted(sources, [start + padding for start in _starts(padded)])
    is_margin = mirrored != torch.arange(sum(padded))
    return Packing(
        slices=[
            slice(stop - length, stop)
            for stop, length in zip(accumulate(lengths), lengths, strict=True)
        ],
        trimmed_lengths=trimmed,
        target_lengths=targets,
        positions=torch.cat([torch.arange(length) for length in lengths]).to(device),
        target_in_packed=_last(targets, lengths).to(device),
        target_in_trimmed=_last(targets, trimmed).to(device),
        target_in_padded=(_last(targets, padded) - padding).to(device),
        trimmed_in_packed=_last(trimmed, lengths).to(device),
        padded_sources=padded_sources.to(device),
        margin_in_padded=is_margin.nonzero()[:, 0].to(device),
        mirrored_in_padded=mirrored[is_margin].to(device),
    )


def _starts(lengths: Sequence[int]) -> list[int]:
    """Return where each row starts in a layout in which the rows have ``lengths``."""
    return list(accumulate(lengths[:-1], initial=0))


def _last(counts: Sequence[int], lengths: Sequence[int]) -> Tensor:
    """Return the indices (Σ counts,) of the last frames of each row of a layout."""
    stops = accumulate(lengths)
    return torch.cat(
        [torch.arange(stop - count, stop) for stop, count in zip(stops, counts, strict=True)]
    )


def _shifted(indices: Sequence[Tensor], starts: Sequence[int]) -> Tensor:
    """Join ``indices``, each (n,) and counted within its row, as indices of a layout, (Σ n,)."""
    return torch.cat([start + row for start, row in zip(starts, indices, strict=True)])


def _reflected(length: int, padding: int) -> Tensor:
    """Return the frame (length + 2 · padding,) that each frame of a padded row copies.

    Beyond the ends the row is mirrored, without the end itself: -1 becomes 1.
    """
    frames = torch.arange(-padding, length + padding).abs()
    return torch.where(frames < length, frames, 2 * (length - 1) - frames)
