"""The flow's velocity: the package's diffusion transformer, with nothing computed twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from adapters.indextts2.receptive_field import receptive_field_of_layer
from adapters.indextts2.s2m.packing import Packing, Row
from adapters.indextts2.s2m.timesteps import Timesteps, float_linear, timesteps_of
from domain.errors import ModelUnavailable

_STRUCTURE = {
    "time_as_token": False,
    "style_as_token": False,
    "uvit_skip_connection": True,
    "is_causal": False,
    "long_skip_connection": True,
    "transformer_style_condition": True,
    "final_layer_type": "wavenet",
}
"""What the released model is made of; the forward pass here knows no other."""


@dataclass(frozen=True, slots=True)
class FlowInput:
    """One segment to paint, all float32.

    ``heard`` (1, 80, M) is the reference's mel and what may be painted already, ``style`` (1, 192)
    the reference's voice, ``content`` (1, frames, width) what is said: in the M frames heard, then
    in those to paint.
    """

    heard: Tensor
    style: Tensor
    content: Tensor

    @property
    def row(self) -> Row:
        return Row(frames=self.content.shape[1], heard=self.heard.shape[2])


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a batch of segments keeps through all steps.

    ``entering`` (halves, packed frames, width), float32, is what reaches the first layer beside the
    state: with voice and content, and in a second half without. ``turns`` (packed frames, 1, 1,
    head width / 2) are the rotary positions, complex64.
    """

    packing: Packing
    entering: Tensor
    turns: Tensor


class VelocityField:
    """Where the spectrograms of several segments move next; float32 in and out.

    Computes what the package's estimator computes, over the estimator's own weights, to within
    rounding. The large products are in the weights' number type; what layers add to one another,
    the norms, and what is as narrow as a mel are float32, so that rounding does not pile up.

    Weight norm must be folded. Layers with nothing between them but a sum are multiplied into one;
    frames whose velocity nobody asks for leave after the last attention; rows of unequal length lie
    end to end, so that none is padded.
    """

    def __init__(self, *, estimator: Any) -> None:
        for name, value in _STRUCTURE.items():
            if getattr(estimator, name) != value:
                raise ModelUnavailable(f"config.yaml describes another mel decoder: {name}")
        self._estimator = estimator
        self._layers = list(estimator.transformer.layers)
        self._heads = int(estimator.num_heads)
        transformer = estimator.transformer.config
        exponents = torch.arange(0, transformer.head_dim, 2).float() / transformer.head_dim
        self._frequencies = 1.0 / transformer.rope_base**exponents
        wavenet = estimator.wavenet
        self._width = int(wavenet.hidden_channels)
        self._convolutions = [layer.conv.conv for layer in wavenet.in_layers]
        self._outlets = [layer.conv.conv for layer in wavenet.res_skip_layers]
        reaches = [receptive_field_of_layer(convolution) for convolution in self._convolutions]
        self._reaches, self._halo, self._room = reaches, sum(reaches), max(reaches)
        self._bands = int(estimator.in_channels)
        self._dtype: torch.dtype = estimator.cond_x_merge_linear.weight.dtype
        merge, skip = estimator.cond_x_merge_linear, estimator.skip_linear
        self._state_in = merge.weight[:, : self._bands].float().contiguous()
        # The skip connection's layer feeds two layers and nothing else: one layer each.
        onward = torch.cat([estimator.conv1.weight, estimator.res_projection.weight]).float()
        folded = onward @ skip.weight.float()
        biases = torch.cat([estimator.conv1.bias, estimator.res_projection.bias]).float()
        self._onward_bias = (onward @ skip.bias.float() + biases).to(self._dtype)
        self._onward = folded[:, : -self._bands].to(self._dtype)
        self._state_onward = folded[:, -self._bands :].contiguous()
        linear, last = estimator.final_layer.linear, estimator.conv2
        painter = last.weight[:, :, 0].float()
        self._painter = painter @ linear.weight.float()
        self._painter_bias = painter @ linear.bias.float() + last.bias.float()

    def schedule(self, steps: int) -> Timesteps:
        """What ``steps`` Euler steps of equal size from time 0 to 1 share, whatever is painted."""
        return timesteps_of(self._estimator, steps)

    def conditions(self, paintings: Sequence[FlowInput], *, guided: bool) -> Conditions:
        """What all steps of ``paintings`` share; only the first half where not ``guided``."""
        content = torch.cat([painting.content[0] for painting in paintings])
        packing = Packing(
            [painting.row for painting in paintings],
            halo=self._halo,
            room=self._room,
            device=content.device,
        )
        merge, project = self._estimator.cond_x_merge_linear, self._estimator.cond_projection
        _, heard_in, content_in, style_in = merge.weight.float().split(
            [self._bands, self._bands, project.out_features, paintings[0].style.shape[1]], dim=1
        )
        bias = merge.bias.float()
        entering = functional.linear(float_linear(project, content), content_in, bias)
        for painting, row in zip(paintings, packing.slices, strict=True):
            mel = painting.heard[0].T
            entering[row] += functional.linear(painting.style, style_in)
            entering[row.start : row.start + len(mel)] += functional.linear(mel, heard_in)
        halves = [entering]
        if guided:
            nothing = functional.linear(project.bias.float(), content_in, bias)
            halves.append(nothing.expand_as(entering))
        turned = torch.outer(packing.positions.float(), self._frequencies.to(content.device))
        turns = torch.polar(torch.ones_like(turned), turned)[:, None, None]
        return Conditions(packing, torch.stack(halves), turns)

    def at(
        self,
        state: Tensor,
        conditions: Conditions,
        schedule: Timesteps,
        step: int,
        *,
        guidance: float,
    ) -> Tensor:
        """The velocity (painted frames, 80) of ``state`` (painted frames, 80) at ``step``.

        With two halves: ``1 + guidance`` times the first minus ``guidance`` times the second.
        """
        packing, halves = conditions.packing, conditions.entering.shape[0]
        entered = functional.linear(state, self._state_in).expand(halves, -1, -1)
        frames = conditions.entering.index_add(1, packing.painted, entered)
        frames = self._transformed(frames, conditions, schedule, step)
        onward = functional.linear(frames, self._onward, self._onward_bias).float()
        from_state = functional.linear(state, self._state_onward).expand(halves, -1, -1)
        onward.index_add_(1, packing.painted_of_kept, from_state)
        into_wavenet, past_it = onward.chunk(2, dim=2)
        painted = self._through_wavenet(into_wavenet, packing, schedule, step)
        painted = painted + past_it[:, packing.painted_of_kept]
        scale, shift = schedule.last
        normed = functional.layer_norm(painted, (self._width,), eps=1e-6)
        painted = torch.addcmul(shift[step], normed, scale[step])
        velocity = functional.linear(painted, self._painter, self._painter_bias)
        if halves == 1:
            return velocity[0]
        return (1.0 + guidance) * velocity[0] - guidance * velocity[1]

    def _transformed(
        self, frames: Tensor, conditions: Conditions, schedule: Timesteps, step: int
    ) -> Tensor:
        """The kept frames (halves, kept, width) as the last layer and its norm leave them."""
        packing, depth = conditions.packing, len(self._layers)
        skips: list[Tensor] = []
        for index, layer in enumerate(self._layers):
            if index > depth // 2:
                joined = torch.cat([frames, skips.pop()], dim=2).to(self._dtype)
                frames = layer.skip_in_linear(joined).float()
            normed = self._normed(frames, schedule, 2 * index, step)
            asked = packing.kept_slices if index + 1 == depth else packing.slices
            if index + 1 == depth:
                frames = frames[:, packing.kept]
            frames = frames + self._attention(layer.attention, normed, conditions, asked)
            normed = self._normed(frames, schedule, 2 * index + 1, step)
            frames += _fed_forward(layer.feed_forward, normed)
            if index < depth // 2:
                skips.append(frames)
        return self._normed(frames, schedule, 2 * depth, step)

    def _normed(self, frames: Tensor, schedule: Timesteps, index: int, step: int) -> Tensor:
        scale, shift = schedule.norms[index]
        normed = functional.rms_norm(
            frames, (frames.shape[2],), eps=self._estimator.transformer.norm.eps
        )
        return torch.addcmul(shift[step], normed, scale[step]).to(self._dtype)

    def _attention(
        self, attention: Any, frames: Tensor, conditions: Conditions, asked: Sequence[slice]
    ) -> Tensor:
        """Each row attends to itself; the frames at the end of each row, ``asked`` of them, ask."""
        mixed = attention.wqkv(frames).unflatten(2, (3, self._heads, -1))
        pairs = torch.view_as_complex(mixed[:, :, :2].float().unflatten(4, (-1, 2)))
        turned = torch.view_as_real(pairs * conditions.turns).flatten(4).to(mixed.dtype)
        queries, keys = turned.transpose(1, 3).unbind(2)
        values = mixed[:, :, 2].transpose(1, 2)
        heard = []
        for own, asking in zip(conditions.packing.slices, asked, strict=True):
            first = own.stop - (asking.stop - asking.start)
            heard.append(
                functional.scaled_dot_product_attention(
                    queries[:, :, first : own.stop], keys[:, :, own], values[:, :, own]
                )
            )
        answer: Tensor = attention.wo(torch.cat(heard, dim=2).transpose(1, 2).flatten(2))
        return answer

    def _through_wavenet(
        self, frames: Tensor, packing: Packing, schedule: Timesteps, step: int
    ) -> Tensor:
        """What the WaveNet says of the painted frames (halves, painted, width)."""
        wave = frames.transpose(1, 2)[:, :, packing.wide]
        said = torch.zeros_like(wave)
        layers = zip(self._convolutions, self._reaches, schedule.biases, self._outlets, strict=True)
        for convolution, reach, bias, outlet in layers:
            heard = functional.conv1d(
                wave.to(self._dtype),
                convolution.weight,
                bias[step],
                padding=reach,
                dilation=convolution.dilation,
            )
            content, gate = heard.chunk(2, dim=1)
            answer = outlet(torch.tanh(content) * torch.sigmoid(gate))
            if answer.shape[1] > self._width:
                wave += answer[:, : self._width]
                wave[:, :, packing.margins] = wave[:, :, packing.mirrored]
                answer = answer[:, self._width :]
            said += answer
        return said[:, :, packing.painted_of_wide].transpose(1, 2)


def _fed_forward(layers: Any, frames: Tensor) -> Tensor:
    """SwiGLU (Shazeer, 2020); in place, because what is this wide is slow to allocate."""
    inner = functional.silu(layers.w1(frames), inplace=True).mul_(layers.w3(frames))
    answer: Tensor = layers.w2(inner)
    return answer
