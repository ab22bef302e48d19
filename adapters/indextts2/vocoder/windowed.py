"""From mel spectrograms to samples."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor

from adapters.indextts2.vocoder.bigvgan import hop_of, reach_of
from adapters.indextts2.vocoder.windows import Window, even_windows, growing_windows
from domain.audio import Samples


class Vocoder(Protocol):
    """Makes spectrograms audible.

    Both ways give the same samples to within rounding, and each way gives the very same ones every
    time. Where the last bits matter, the way must not depend on who listens.
    """

    def speak(self, mels: Sequence[Tensor]) -> list[Samples]:
        """Samples (256 t,) at 22 050 Hz, within ±1, of each mel (1, 80, t) of ``mels``."""

    def pieces(self, mel: Tensor, *, first: int = 0, goes_on: bool = False) -> Iterator[Samples]:
        """The same samples of one mel, piece after piece, each made when it is asked for.

        They begin with those of the frame ``first``. Where the mel ``goes_on``, those samples are
        left out that would feel how; all are whole frames.
        """


class BigVganVocoder:
    """BigVGAN in overlapping windows, which bound its memory whatever is spoken.

    A window of at most ``window`` frames lies wholly inside its spectrogram, so that the
    spectrogram's own ends are the only ones that the network sees; of each window only those
    samples are kept that feel nothing beyond it. ``speak`` takes long windows, and those of one
    call share a batch of at most ``windows_at_once``. ``pieces`` takes them one by one, the first
    of ``first_window`` frames. The samples are those of one pass over the whole spectrogram, to
    within rounding.

    ``network`` is the package's, of which the sizes are read. ``synthesis`` makes samples (B, 1,
    256 t) of mels (B, 80, t): the network itself, or its equal.
    """

    def __init__(
        self,
        *,
        network: Any,
        synthesis: Callable[[Tensor], Tensor],
        first_window: int,
        window: int,
        windows_at_once: int,
    ) -> None:
        self._synthesis = synthesis
        self._dtype: torch.dtype = network.conv_pre.weight.dtype
        self._reach, self._hop = reach_of(network), hop_of(network)
        self._window = max(window, 4 * self._reach)
        self._first_window = min(max(first_window, 3 * self._reach), self._window)
        self._at_once = windows_at_once

    def speak(self, mels: Sequence[Tensor]) -> list[Samples]:
        waves = [mel.new_empty(mel.shape[2] * self._hop) for mel in mels]
        for places in self._by_length(mels):
            for begin in range(0, len(places), self._at_once):
                batch = places[begin : begin + self._at_once]
                heard = [mels[index][:, :, window.start : window.stop] for index, window in batch]
                spoken = self._spoken(torch.cat(heard))
                for (index, window), samples in zip(batch, spoken, strict=True):
                    kept = slice(window.first * self._hop, window.last * self._hop)
                    waves[index][kept] = self._kept(window, samples)
        return [wave.cpu().numpy() for wave in waves]

    def pieces(self, mel: Tensor, *, first: int = 0, goes_on: bool = False) -> Iterator[Samples]:
        windows = growing_windows(
            mel.shape[2],
            first=first,
            shortest=self._first_window,
            longest=self._window,
            reach=self._reach,
        )
        settled = mel.shape[2] - self._reach if goes_on else mel.shape[2]
        for window in windows:
            if window.first < settled:
                (samples,) = self._spoken(mel[:, :, window.start : window.stop])
                kept = replace(window, last=min(window.last, settled))
                yield self._kept(kept, samples).cpu().numpy()

    def _spoken(self, heard: Tensor) -> Tensor:
        """Samples (B, 256 t), float32 and within ±1, of windows (B, 80, t)."""
        return self._synthesis(heard.to(self._dtype))[:, 0].float().clamp(-1.0, 1.0)

    def _kept(self, window: Window, samples: Tensor) -> Tensor:
        first, last = window.first - window.start, window.last - window.start
        return samples[first * self._hop : last * self._hop]

    def _by_length(self, mels: Sequence[Tensor]) -> list[list[tuple[int, Window]]]:
        """The windows of all spectrograms, each with its spectrogram's index, by length."""
        places: dict[int, list[tuple[int, Window]]] = {}
        for index, mel in enumerate(mels):
            for window in even_windows(mel.shape[2], length=self._window, reach=self._reach):
                places.setdefault(window.stop - window.start, []).append((index, window))
        return list(places.values())
