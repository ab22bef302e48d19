"""Semantic-to-mel: from semantic codes and latents to mel spectrograms, by flow matching."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from adapters.indextts2.noise import Noise, SegmentKey
from adapters.indextts2.receptive_field import receptive_field_of_layer
from adapters.indextts2.reference.reference import Reference
from adapters.indextts2.s2m.euler import integrate
from adapters.indextts2.s2m.networks import LatentProjection, LengthRegulator, SemanticCodec
from adapters.indextts2.s2m.options import FlowOptions
from adapters.indextts2.s2m.velocity import FlowInput, VelocityField

FRAMES_PER_CODE = 1.72
"""Source: ``target_lengths = (code_lens * 1.72).long()`` in upstream's infer_v2.py."""


@dataclass(frozen=True, slots=True, eq=False)
class SemanticSegment:
    """The semantic codes of a segment, and the latents of the teacher-forced pass over them."""

    key: SegmentKey
    codes: Tensor  # (n,), int64
    latents: Tensor  # (1, n, W)
    generated_mel: Tensor | None = None  # (1, 80, any): its first frames, if those are generated


class MelDecoder(Protocol):
    """Generates the mel spectrograms of segments."""

    @property
    def lookahead_frames(self) -> int:
        """How many trailing mel frames of a partial segment must be discarded.

        Convolutions pad the end of a segment. So these frames are wrong if more codes follow.
        """

    def decode(
        self,
        segments: Sequence[SemanticSegment],
        *,
        reference: Reference,
        options: FlowOptions,
        noise: Noise,
    ) -> list[Tensor]:
        """Return a mel (1, 80, int(1.72 · n)), float32, for each segment of n codes, in order.

        It begins with the segment's ``generated_mel``, bit for bit, and continues it.
        """


class EulerMelDecoder:
    """Integrates the velocity field with Euler steps of equal size.

    Segments share a batch while they have at most ``frames_at_once`` frames in sum, the
    reference's included; a longer one is decoded alone. A batch changes a segment's mel by
    rounding only.
    """

    def __init__(
        self,
        *,
        velocity: VelocityField,
        length_regulator: LengthRegulator,
        latent_projection: LatentProjection,
        semantic_codec: SemanticCodec,
        frames_at_once: int,
    ) -> None:
        """Take the networks; ``frames_at_once`` bounds the memory of a batch."""
        self._velocity = velocity
        self._length_regulator = length_regulator
        self._latent_projection = latent_projection
        self._codec = semantic_codec
        self._frames_at_once = frames_at_once

    @property
    def lookahead_frames(self) -> int:
        """The receptive fields of length regulator and velocity field: at full size 4 + 16."""
        layers = self._length_regulator.modules()
        regulator = sum(
            receptive_field_of_layer(layer) for layer in layers if isinstance(layer, nn.Conv1d)
        )
        return regulator + self._velocity.receptive_field

    def decode(
        self,
        segments: Sequence[SemanticSegment],
        *,
        reference: Reference,
        options: FlowOptions,
        noise: Noise,
    ) -> list[Tensor]:
        inputs = [self._flow_input(segment, reference) for segment in segments]
        starts = [
            noise.flow_start(segment.key, channels=each.prompt_mel.shape[1], frames=each.row.frames)
            for segment, each in zip(segments, inputs, strict=True)
        ]  # each (1, 80, T)
        mels: list[Tensor] = []
        for batch in _batches([each.row.frames for each in inputs], limit=self._frames_at_once):
            mels += integrate(self._velocity, inputs[batch], starts[batch], options)
        return [
            mel if segment.generated_mel is None else torch.cat([segment.generated_mel, mel], dim=2)
            for segment, mel in zip(segments, mels, strict=True)
        ]

    def _flow_input(self, segment: SemanticSegment, reference: Reference) -> FlowInput:
        prompt = [reference.mel]
        if segment.generated_mel is not None:
            prompt.append(segment.generated_mel)
        return FlowInput(
            prompt_mel=torch.cat(prompt, dim=2),
            style=reference.style,
            content=torch.cat([reference.prompt, self._content(segment)], dim=1),
        )

    def _content(self, segment: SemanticSegment) -> Tensor:
        """Return the segment's content (1, int(1.72 · n), C').

        Segments go through the length regulator one by one: its norms span all frames of a row, so
        padding would change them.
        """
        codes = segment.codes
        projected = self._latent_projection(segment.latents)  # (1, n, C)
        embedded = self._codec.quantizer.vq2emb(codes[None, None]).transpose(1, 2)  # (1, n, C)
        frames = torch.tensor([int(len(codes) * FRAMES_PER_CODE)], device=codes.device)
        regulated = self._length_regulator(
            embedded + projected, ylens=frames, n_quantizers=3, f0=None
        )
        return regulated[0]


def _batches(lengths: Sequence[int], *, limit: int) -> Iterator[slice]:
    """Yield consecutive slices of ``lengths`` whose sum is at most ``limit``, or of one length."""
    begin, total = 0, 0
    for index, length in enumerate(lengths):
        if index > begin and total + length > limit:
            yield slice(begin, index)
            begin, total = index, 0
        total += length
    if lengths:
        yield slice(begin, len(lengths))
