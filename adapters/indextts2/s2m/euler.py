"""The Euler method of flow matching: from noise to mel spectrograms."""

from collections.abc import Sequence

import torch
from torch import Tensor

from adapters.indextts2.s2m.options import FlowOptions
from adapters.indextts2.s2m.velocity import FlowInput, VelocityField


def integrate(
    velocity: VelocityField,
    inputs: Sequence[FlowInput],
    starts: Sequence[Tensor],
    options: FlowOptions,
) -> list[Tensor]:
    """Generate the target mels of ``inputs`` together, with Euler steps from noise to mel.

    Args:
        velocity: The velocity field.
        inputs: The conditions of each segment.
        starts: Normal noise of each segment, (1, 80, T); that of its prompt frames is not used.
        options: The number of steps and the strength of the guidance.

    Returns:
        For each segment (1, 80, target frames), float32.
    """
    guidance = options.inference_cfg_rate
    timesteps = velocity.timesteps(options.diffusion_steps)
    conditions = velocity.conditions(inputs, guided=guidance > 0)
    state = torch.cat(
        [
            start[0, :, each.row.prompt_frames :].T
            for start, each in zip(starts, inputs, strict=True)
        ]
    )  # (target, 80)
    for step, size in enumerate(timesteps.step_sizes):
        slope = velocity.evaluate(state, conditions, timesteps, step, guidance=guidance)
        state = state + size * slope
    return [mel.T[None] for mel in conditions.packing.split_targets(state)]
