"""The diffusion transformer of the velocity, over packed rows."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from adapters.indextts2.s2m.estimator import Attention, FeedForward, MelEstimator, weight_dtype
from adapters.indextts2.s2m.packing import Packing
from adapters.indextts2.s2m.timesteps import Timesteps


class DiffusionTransformer:
    """Upstream's ``Transformer`` (gpt_fast/model.py) with U-ViT skip connections.

    W is its width; "branches" are the conditional and, with guidance, the unconditional pass.
    Residuals and norms are float32, the products are in the weights' number type.
    """

    def __init__(self, estimator: MelEstimator) -> None:
        """Use the layers of ``estimator.transformer``."""
        transformer = estimator.transformer
        self._layers = list(transformer.layers)
        self._eps = transformer.norm.eps
        self._heads = int(estimator.num_heads)
        self._dtype = weight_dtype(estimator)
        width = transformer.config.head_dim
        exponents = torch.arange(0, width, 2).float() / width
        self._frequencies = 1.0 / transformer.config.rope_base**exponents  # (head width / 2,)

    def rotary(self, positions: Tensor) -> Tensor:
        """Return the rotary position embeddings (Su et al., 2021) of ``positions`` (packed,).

        Returns:
            (packed, 1, 1, head width / 2), complex64.
        """
        angles = torch.outer(positions.float(), self._frequencies.to(positions.device))
        return torch.polar(torch.ones_like(angles), angles)[:, None, None]

    def __call__(
        self, frames: Tensor, packing: Packing, rotary: Tensor, timesteps: Timesteps, step: int
    ) -> Tensor:
        """Return the normed output of the last layer, for the trimmed frames only.

        The other prompt frames are dropped in the last layer, after which no frame attends to them.

        Args:
            frames: (branches, packed, W), float32.
            packing: Where the rows are.
            rotary: (packed, 1, 1, head width / 2), complex64.
            timesteps: The norms' modulations.
            step: The index of the Euler step.

        Returns:
            (branches, trimmed, W), in the weights' number type.
        """
        depth = len(self._layers)
        lengths = [row.stop - row.start for row in packing.slices]
        skips: list[Tensor] = []  # each (branches, packed, W)
        for index, layer in enumerate(self._layers):
            if index > depth // 2:
                joined = torch.cat([frames, skips.pop()], dim=2).to(self._dtype)
                frames = layer.skip_in_linear(joined).float()
            normed = self._normed(frames, timesteps, 2 * index, step)
            if index + 1 == depth:
                frames, lengths = frames[:, packing.trimmed_in_packed], packing.trimmed_lengths
            frames = frames + self._attention(
                layer.attention, normed, packing.slices, rotary, lengths
            )
            normed = self._normed(frames, timesteps, 2 * index + 1, step)
            frames += _feed_forward(layer.feed_forward, normed)
            if index < depth // 2:
                skips.append(frames)
        return self._normed(frames, timesteps, 2 * depth, step)

    def _normed(self, frames: Tensor, timesteps: Timesteps, index: int, step: int) -> Tensor:
        """Apply norm ``index`` to ``frames`` (branches, any, W); the shape stays."""
        normed = functional.rms_norm(frames, (frames.shape[2],), eps=self._eps)
        return timesteps.norms[index].apply(normed, step).to(self._dtype)

    def _attention(
        self,
        attention: Attention,
        frames: Tensor,
        rows: Sequence[slice],
        rotary: Tensor,
        queries: Sequence[int],
    ) -> Tensor:
        """Compute self-attention within each row, for the last frames of each row.

        Args:
            attention: The layer.
            frames: (branches, packed, W).
            rows: Where each row is.
            rotary: (packed, 1, 1, head width / 2), complex64.
            queries: How many of each row's last frames are queries.

        Returns:
            (branches, Σ queries, W).
        """
        # (branches, packed, 3, heads, head width): queries, keys and values
        projected = attention.wqkv(frames).unflatten(2, (3, self._heads, -1))
        pairs = torch.view_as_complex(projected[:, :, :2].float().unflatten(4, (-1, 2)))
        rotated = torch.view_as_real(pairs * rotary).flatten(4).to(projected.dtype)
        query, key = rotated.transpose(1, 3).unbind(2)  # (branches, heads, packed, head width)
        value = projected[:, :, 2].transpose(1, 2)  # the same shape
        attended = [
            functional.scaled_dot_product_attention(
                query[:, :, row.stop - count : row.stop], key[:, :, row], value[:, :, row]
            )
            for row, count in zip(rows, queries, strict=True)
        ]  # each (branches, heads, count, head width)
        output: Tensor = attention.wo(torch.cat(attended, dim=2).transpose(1, 2).flatten(2))
        return output


def _feed_forward(layers: FeedForward, frames: Tensor) -> Tensor:
    """Apply SwiGLU (Shazeer, 2020) to ``frames`` (branches, any, W); the shape stays.

    The hidden values are changed in place, because tensors of this size are slow to allocate.
    """
    hidden = functional.silu(layers.w1(frames), inplace=True).mul_(layers.w3(frames))
    output: Tensor = layers.w2(hidden)
    return output
