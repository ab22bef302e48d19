"""From codes and latents to mel spectrograms: flow matching, guided by voice and content."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from adapters.indextts2.noise import Noise, SegmentKey
from adapters.indextts2.reference.reference import Reference
from adapters.indextts2.s2m.timesteps import Timesteps
from adapters.indextts2.s2m.velocity import FlowInput, VelocityField
from adapters.indextts2.t2s.sampling import SamplingPlan

FRAMES_PER_CODE = 1.72
_SCHEDULES_KEPT = 4


@dataclass(frozen=True, slots=True)
class SemanticSegment:
    """A segment in the model's own words: ``codes`` (n,) and their ``latents`` (1, n, width).

    ``painted`` (1, 80, any number of frames) is its beginning, where that is painted already.
    """

    key: SegmentKey
    codes: Tensor
    latents: Tensor
    painted: Tensor | None = None


class MelDecoder(Protocol):
    """Paints the spectrograms of segments."""

    def decode(
        self,
        segments: Sequence[SemanticSegment],
        *,
        voice: Reference,
        plan: SamplingPlan,
        noise: Noise,
    ) -> list[Tensor]:
        """A mel (1, 80, int(1.72 n)), float32, for each segment of n codes, in order.

        What is painted already stays as it is; the rest goes on from it.
        """


class EulerMelDecoder:
    """Integrates the flow with Euler steps of equal size; the state is float32.

    Classifier-free guidance (Ho and Salimans, 2022): each step is evaluated with and without
    voice and content, and goes ``1 + inference_cfg_rate`` of the way between the two.

    Segments are painted together while they have at most ``frames_at_once`` frames in sum, the
    reference's included; a longer one is painted alone. Company changes a segment by rounding only.
    """

    def __init__(
        self,
        *,
        velocity: VelocityField,
        length_regulator: Any,
        latent_projection: Any,
        semantic_codec: Any,
        frames_at_once: int,
    ) -> None:
        self._velocity = velocity
        self._length_regulator = length_regulator
        self._latent_projection = latent_projection
        self._codec = semantic_codec
        self._frames_at_once = frames_at_once
        self._schedules: dict[int, Timesteps] = {}

    def decode(
        self,
        segments: Sequence[SemanticSegment],
        *,
        voice: Reference,
        plan: SamplingPlan,
        noise: Noise,
    ) -> list[Tensor]:
        paintings = [
            FlowInput(
                voice.mel
                if segment.painted is None
                else torch.cat([voice.mel, segment.painted], 2),
                voice.style,
                torch.cat([voice.prompt, self._content(segment)], 1),
            )
            for segment in segments
        ]
        starts = [
            noise.flow_start(segment.key, channels=voice.mel.shape[1], frames=painting.row.frames)[
                0, :, painting.row.heard :
            ].T
            for segment, painting in zip(segments, paintings, strict=True)
        ]
        mels: list[Tensor] = []
        for batch in self._batches(paintings):
            mels.extend(self._painted(paintings[batch], starts[batch], plan))
        return [
            mel if segment.painted is None else torch.cat([segment.painted, mel], dim=2)
            for segment, mel in zip(segments, mels, strict=True)
        ]

    def _content(self, segment: SemanticSegment) -> Tensor:
        """What the segment says, (1, frames, width); its norms feel a row's length, so alone."""
        codes = segment.codes
        projected = self._latent_projection(segment.latents)
        sounds = self._codec.quantizer.vq2emb(codes[None, None]).transpose(1, 2)
        frames = torch.tensor([int(len(codes) * FRAMES_PER_CODE)], device=codes.device)
        content: Tensor = self._length_regulator(
            sounds + projected, ylens=frames, n_quantizers=3, f0=None
        )[0]
        return content

    def _batches(self, paintings: Sequence[FlowInput]) -> Iterator[slice]:
        begin, frames = 0, 0
        for index, painting in enumerate(paintings):
            if index > begin and frames + painting.row.frames > self._frames_at_once:
                yield slice(begin, index)
                begin, frames = index, 0
            frames += painting.row.frames
        if paintings:
            yield slice(begin, len(paintings))

    def _painted(
        self, paintings: Sequence[FlowInput], starts: Sequence[Tensor], plan: SamplingPlan
    ) -> Iterator[Tensor]:
        guidance = plan.inference_cfg_rate
        conditions = self._velocity.conditions(paintings, guided=guidance > 0)
        schedule = self._schedule(plan.diffusion_steps)
        state = torch.cat(list(starts))
        for step, length in enumerate(schedule.lengths):
            slope = self._velocity.at(state, conditions, schedule, step, guidance=guidance)
            state = state + length * slope
        for row in conditions.packing.rows_of(state):
            yield row.T[None]

    def _schedule(self, steps: int) -> Timesteps:
        if steps not in self._schedules:
            if len(self._schedules) == _SCHEDULES_KEPT:
                self._schedules.clear()
            self._schedules[steps] = self._velocity.schedule(steps)
        return self._schedules[steps]
