"""The velocity field of flow matching: upstream's estimator, with nothing computed twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from adapters.indextts2.s2m.estimator import MelEstimator, require_known_structure
from adapters.indextts2.s2m.folding import fold_output, fold_skip, split_input
from adapters.indextts2.s2m.packing import Packing, Row, pack
from adapters.indextts2.s2m.timesteps import Timesteps, compute_timesteps, float_linear
from adapters.indextts2.s2m.transformer import DiffusionTransformer
from adapters.indextts2.s2m.wavenet import WaveNet

_CACHED_TIMESTEPS = 4
"""Numbers of steps whose ``Timesteps`` are kept: about 4 MB each at full size and 25 steps."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowInput:
    """The conditions of one segment, float32; P prompt frames, T frames in all."""

    prompt_mel: Tensor  # (1, 80, P): the reference's mel, and what is generated already
    style: Tensor  # (1, 192): of the reference
    content: Tensor  # (1, T, C): what is spoken in the prompt frames and in the target frames

    @property
    def row(self) -> Row:
        """The number of frames, and of the prompt frames among them."""
        return Row(frames=self.content.shape[1], prompt_frames=self.prompt_mel.shape[2])


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """What a batch of segments keeps through all steps; W is the transformer's width.

    There are two branches with classifier-free guidance, conditional and unconditional, and only
    the conditional one without.
    """

    packing: Packing
    static_input: Tensor  # (branches, packed, W), float32: the first layer's output but the state's
    rotary: Tensor  # (packed, 1, 1, head width / 2), complex64


class VelocityField:
    """The velocity of the mels of several segments; float32 in and out.

    Computes what upstream's estimator computes, over its weights, to within rounding. The large
    products are in the weights' number type. Residual sums, norms, and products as narrow as a mel
    are float32, so that rounding errors do not accumulate.

    Adjacent linear layers are folded into one. Prompt frames are dropped after the last attention
    layer. Rows of unequal length are packed without padding.
    """

    def __init__(self, *, estimator: MelEstimator) -> None:
        """Derive the folded weights of ``estimator``, whose weight norm must be folded.

        Raises:
            ModelUnavailable: The estimator has another structure than the released model's.
        """
        require_known_structure(estimator)
        self._estimator = estimator
        self._input = split_input(estimator)
        self._transformer = DiffusionTransformer(estimator)
        self._skip_folded = fold_skip(estimator)
        self._wavenet = WaveNet(estimator)
        self._output_projection = fold_output(estimator)
        self._timesteps: dict[int, Timesteps] = {}

    @property
    def receptive_field(self) -> int:
        """The convolutions' receptive field, in frames on each side; attention spans the row."""
        return self._wavenet.receptive_field

    def timesteps(self, steps: int) -> Timesteps:
        """Return what ``steps`` Euler steps share, whatever the segments are; it is cached."""
        if steps not in self._timesteps:
            if len(self._timesteps) == _CACHED_TIMESTEPS:
                self._timesteps.clear()
            self._timesteps[steps] = compute_timesteps(self._estimator, steps)
        return self._timesteps[steps]

    def conditions(self, inputs: Sequence[FlowInput], *, guided: bool) -> Conditions:
        """Return what all steps of ``inputs`` share, with two branches if ``guided``."""
        content = torch.cat([each.content[0] for each in inputs])  # (packed, C)
        packing = pack(
            [each.row for each in inputs],
            context=self._wavenet.receptive_field,
            padding=self._wavenet.padding,
            device=content.device,
        )
        weights, projection = self._input, self._estimator.cond_projection
        conditional = functional.linear(
            float_linear(projection, content), weights.content, weights.bias
        )  # (packed, W)
        for each, row in zip(inputs, packing.slices, strict=True):
            mel = each.prompt_mel[0].T  # (P, 80)
            conditional[row] += functional.linear(each.style, weights.style)
            conditional[row.start : row.start + len(mel)] += functional.linear(
                mel, weights.prompt_mel
            )
        branches = [conditional]
        if guided:
            no_content = projection.bias.float()  # the projection of zeros
            unconditional = functional.linear(no_content, weights.content, weights.bias)  # (W,)
            branches.append(unconditional.expand_as(conditional))
        rotary = self._transformer.rotary(packing.positions)
        return Conditions(packing, torch.stack(branches), rotary)

    def evaluate(
        self,
        state: Tensor,
        conditions: Conditions,
        timesteps: Timesteps,
        step: int,
        *,
        guidance: float,
    ) -> Tensor:
        """Return the velocity (target, 80) of ``state`` (target, 80) at ``step``.

        With two branches it is guided (Ho and Salimans, 2022): (1 + ``guidance``) · conditional -
        ``guidance`` · unconditional.
        """
        packing, branches = conditions.packing, len(conditions.static_input)
        state_input = functional.linear(state, self._input.state).expand(branches, -1, -1)
        frames = conditions.static_input.index_add(1, packing.target_in_packed, state_input)
        frames = self._transformer(frames, packing, conditions.rotary, timesteps, step)
        wavenet_input, residual = self._skip(frames, state, packing).chunk(2, dim=2)
        targets = self._wavenet(wavenet_input, packing, timesteps, step)
        targets = targets + residual[:, packing.target_in_trimmed]
        normed = functional.layer_norm(targets, (self._wavenet.width,), eps=1e-6)
        targets = timesteps.output_norm.apply(normed, step)
        output = self._output_projection
        velocity = functional.linear(targets, output.weight, output.bias)  # (branches, target, 80)
        if branches == 1:
            return velocity[0]
        return (1.0 + guidance) * velocity[0] - guidance * velocity[1]

    def _skip(self, frames: Tensor, state: Tensor, packing: Packing) -> Tensor:
        """Merge the transformer's output with the state by the long skip connection.

        Args:
            frames: (branches, trimmed, W), in the weights' number type.
            state: (target, 80), float32.
            packing: Where the rows are.

        Returns:
            (branches, trimmed, 2 · V), float32: the WaveNet's input and its residual.
        """
        folded = self._skip_folded
        merged = functional.linear(frames, folded.weight, folded.bias).float()
        from_state = functional.linear(state, folded.state_weight).expand(len(frames), -1, -1)
        return merged.index_add_(1, packing.target_in_trimmed, from_state)
