"""From mel spectrograms to samples."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from domain.audio import Samples

_ACTIVATION_REACH = 6
"""Samples on each side that an anti-aliased activation feels: twelve taps up, twelve down."""


class Vocoder(Protocol):
    """Makes spectrograms audible."""

    def speak(self, mels: Sequence[Tensor]) -> list[Samples]:
        """Samples (256 t,) at 22 050 Hz, within ±1, of each mel (1, 80, t) of ``mels``."""


class BigVganVocoder:
    """The package's BigVGAN in overlapping windows, which bound its memory whatever is spoken.

    A window of ``window`` frames lies wholly inside its spectrogram, so that the spectrogram's own
    ends are the only ones that the network sees; of each window only those samples are kept that
    feel nothing beyond it. Windows of one call share a batch of at most ``windows_at_once``. The
    samples are those of one pass over the whole spectrogram, to within rounding.
    """

    def __init__(self, *, network: Any, window: int, windows_at_once: int) -> None:
        self._network = network
        self._dtype: torch.dtype = network.conv_pre.weight.dtype
        self._reach = reach_of(network)
        self._window = max(window, 4 * self._reach)
        self._at_once = windows_at_once
        self._hop = math.prod(up.stride[0] for (up,) in network.ups)

    def speak(self, mels: Sequence[Tensor]) -> list[Samples]:
        waves = [mel.new_empty(mel.shape[2] * self._hop) for mel in mels]
        for length, places in self._windows(mels).items():
            for begin in range(0, len(places), self._at_once):
                batch = places[begin : begin + self._at_once]
                cut = [mels[index][:, :, start : start + length] for index, start in batch]
                spoken = self._network(torch.cat(cut).to(self._dtype)).float()[:, 0]
                for (index, start), samples in zip(batch, spoken, strict=True):
                    whole = mels[index].shape[2]
                    first = 0 if start == 0 else self._reach
                    last = length if start + length == whole else length - self._reach
                    waves[index][(start + first) * self._hop : (start + last) * self._hop] = (
                        samples[first * self._hop : last * self._hop]
                    )
        return [wave.clamp(-1.0, 1.0).cpu().numpy() for wave in waves]

    def _windows(self, mels: Sequence[Tensor]) -> dict[int, list[tuple[int, int]]]:
        """By length in frames: in which spectrogram each window lies, and where it starts."""
        windows: dict[int, list[tuple[int, int]]] = {}
        for index, mel in enumerate(mels):
            frames = mel.shape[2]
            length = min(frames, self._window)
            for start in _starts(frames, length, length - 2 * self._reach):
                windows.setdefault(length, []).append((index, start))
        return windows


def _starts(frames: int, length: int, step: int) -> Iterator[int]:
    start = 0
    while start + length < frames:
        yield start
        start += step
    yield frames - length


def reach_of(network: Any) -> int:
    """How many frames on each side a sample feels: a bound, summed over the network's layers."""
    reach, rate = float(_reach(network.conv_pre)), 1
    kernels = int(network.num_kernels)
    for stage, (up,) in enumerate(network.ups):
        reach += up.kernel_size[0] / up.stride[0] / rate
        rate *= up.stride[0]
        blocks = network.resblocks[stage * kernels : (stage + 1) * kernels]
        reach += max(_block_reach(block) for block in blocks) / rate
    return math.ceil(reach + (_ACTIVATION_REACH + _reach(network.conv_post)) / rate)


def _block_reach(block: Any) -> int:
    layers = [layer for layer in block.modules() if isinstance(layer, torch.nn.Conv1d)]
    return sum(_reach(layer) + _ACTIVATION_REACH for layer in layers)


def _reach(layer: Any) -> int:
    reach: int = layer.dilation[0] * (layer.kernel_size[0] - 1) // 2
    return reach
