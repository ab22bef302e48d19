"""From codes and latents to a mel spectrogram: flow matching, guided by voice and content."""

from typing import Any, Protocol

import torch
from torch import Tensor

from adapters.indextts2.conditioning import Reference
from adapters.indextts2.noise import Noise, SegmentKey
from adapters.indextts2.sampling import SamplingPlan

FRAMES_PER_CODE = 1.72


class MelDecoder(Protocol):
    """Paints the spectrogram of a segment."""

    def decode(
        self,
        codes: Tensor,
        latents: Tensor,
        *,
        voice: Reference,
        key: SegmentKey,
        plan: SamplingPlan,
        noise: Noise,
    ) -> Tensor:
        """Mel (1, 80, int(1.72 n)) of ``codes`` (n,) with their ``latents`` (1, n, width)."""


class EulerMelDecoder:
    """Integrates the flow with Euler steps of equal size, one segment at a time, in float32.

    Classifier-free guidance (Ho and Salimans, 2022): each step is evaluated with and without
    voice and content, and goes ``1 + inference_cfg_rate`` of the way between the two.
    """

    def __init__(
        self,
        *,
        estimator: Any,
        length_regulator: Any,
        latent_projection: Any,
        semantic_codec: Any,
    ) -> None:
        self._estimator = estimator
        self._length_regulator = length_regulator
        self._latent_projection = latent_projection
        self._codec = semantic_codec

    def decode(
        self,
        codes: Tensor,
        latents: Tensor,
        *,
        voice: Reference,
        key: SegmentKey,
        plan: SamplingPlan,
        noise: Noise,
    ) -> Tensor:
        content = torch.cat([voice.prompt, self._content(codes, latents)], dim=1)
        frames, heard = content.shape[1], voice.mel.shape[2]
        state = noise.flow_start(key, channels=voice.mel.shape[1], frames=frames)
        state[:, :, :heard] = 0
        prompt = torch.zeros_like(state)
        prompt[:, :, :heard] = voice.mel
        times = torch.linspace(0, 1, plan.diffusion_steps + 1, device=state.device)
        time = times[0]
        for step in range(plan.diffusion_steps):
            length = times[step + 1] - times[step]
            slope = self._slope(state, prompt, time, voice.style, content, plan.inference_cfg_rate)
            state = state + length * slope
            state[:, :, :heard] = 0
            time = time + length
        return state[:, :, heard:]

    def _content(self, codes: Tensor, latents: Tensor) -> Tensor:
        projected = self._latent_projection(latents)
        sounds = self._codec.quantizer.vq2emb(codes[None, None]).transpose(1, 2)
        frames = torch.tensor([int(len(codes) * FRAMES_PER_CODE)], device=codes.device)
        content: Tensor = self._length_regulator(
            sounds + projected, ylens=frames, n_quantizers=3, f0=None
        )[0]
        return content

    def _slope(
        self,
        state: Tensor,
        prompt: Tensor,
        time: Tensor,
        style: Tensor,
        content: Tensor,
        guidance: float,
    ) -> Tensor:
        frames = torch.tensor([state.shape[2]], device=state.device)
        if guidance == 0:
            alone: Tensor = self._estimator(state, prompt, frames, time[None], style, content)
            return alone
        both: Tensor = self._estimator(
            torch.cat([state, state]),
            torch.cat([prompt, torch.zeros_like(prompt)]),
            frames,
            torch.stack([time, time]),
            torch.cat([style, torch.zeros_like(style)]),
            torch.cat([content, torch.zeros_like(content)]),
        )
        guided, free = both.chunk(2)
        return (1.0 + guidance) * guided - guidance * free
