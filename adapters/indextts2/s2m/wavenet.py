"""The WaveNet behind the diffusion transformer, over padded rows."""

import torch
from torch import Tensor
from torch.nn import functional

from adapters.indextts2.receptive_field import receptive_field_of_layer
from adapters.indextts2.s2m.estimator import MelEstimator, weight_dtype
from adapters.indextts2.s2m.packing import Packing
from adapters.indextts2.s2m.timesteps import Timesteps


class WaveNet:
    """Upstream's ``WN`` (wavenet.py): gated convolutions with residual and skip outputs.

    V is its width. Sums are float32, the products are in the weights' number type.
    """

    def __init__(self, estimator: MelEstimator) -> None:
        """Use the layers of ``estimator.wavenet``, whose weight norm must be folded."""
        wavenet = estimator.wavenet
        self.width = int(wavenet.hidden_channels)
        self._convolutions = [layer.conv.conv for layer in wavenet.in_layers]
        self._outputs = [layer.conv.conv for layer in wavenet.res_skip_layers]
        self._fields = [receptive_field_of_layer(layer) for layer in self._convolutions]
        self._dtype = weight_dtype(estimator)

    @property
    def receptive_field(self) -> int:
        """The receptive field of all layers together, in frames on each side."""
        return sum(self._fields)

    @property
    def padding(self) -> int:
        """The frames that the padded layout needs on each side of a row."""
        return max(self._fields)

    def __call__(self, frames: Tensor, packing: Packing, timesteps: Timesteps, step: int) -> Tensor:
        """Return the WaveNet's output for the target frames.

        Upstream pads every convolution's input with its own reflection. Here the margins of the
        rows are part of the input and are reflected anew after each layer.

        Args:
            frames: (branches, trimmed, V), float32.
            packing: Where the rows are.
            timesteps: The biases of the convolutions.
            step: The index of the Euler step.

        Returns:
            (branches, target, V), float32.
        """
        wave = frames.transpose(1, 2)[:, :, packing.padded_sources]  # (branches, V, padded)
        skip_sum = torch.zeros_like(wave)
        for convolution, field, biases, output in zip(
            self._convolutions, self._fields, timesteps.wavenet_biases, self._outputs, strict=True
        ):
            gated = functional.conv1d(
                wave.to(self._dtype),
                convolution.weight,
                biases[step],
                padding=field,
                dilation=convolution.dilation,
            )  # (branches, 2 · V, padded)
            content, gate = gated.chunk(2, dim=1)
            # (branches, 2 · V, padded): residual and skip; the last layer has the skip only
            outputs = output(torch.tanh(content) * torch.sigmoid(gate))
            if outputs.shape[1] > self.width:
                wave += outputs[:, : self.width]
                wave[:, :, packing.margin_in_padded] = wave[:, :, packing.mirrored_in_padded]
                outputs = outputs[:, self.width :]
            skip_sum += outputs
        return skip_sum[:, :, packing.target_in_padded].transpose(1, 2)
