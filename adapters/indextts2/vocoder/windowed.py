"""The vocoder: from mel spectrograms to samples, window by window."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor

from adapters.indextts2.vocoder.bigvgan import receptive_field, samples_per_frame
from adapters.indextts2.vocoder.windows import Window, even_windows, growing_windows
from domain.audio import Samples


class Vocoder(Protocol):
    """Makes samples of mel spectrograms.

    ``synthesize`` and ``pieces`` give the same samples to within rounding, and each of them gives
    exactly the same samples every time. A caller that promises the same bits must therefore choose
    between them by the request alone, never by how its audio is delivered.
    """

    @property
    def samples_per_frame(self) -> int:
        """How many samples a mel frame becomes."""

    def synthesize(self, mels: Sequence[Tensor]) -> list[Samples]:
        """Return the samples of each mel of ``mels``, in order.

        Args:
            mels: Each (1, 80, t), float32.

        Returns:
            For each mel (``samples_per_frame`` · t,), within ±1, at 22 050 Hz.
        """

    def pieces(
        self, mel: Tensor, *, first_frame: int = 0, is_partial: bool = False
    ) -> Iterator[Samples]:
        """Yield the samples of ``mel`` (1, 80, t) lazily, from ``first_frame`` on.

        With ``is_partial``, samples whose receptive field reaches beyond the end of ``mel`` are
        withheld. Each piece is a whole number of frames.
        """


class BigVganVocoder:
    """BigVGAN in overlapping windows, which bound its memory whatever the length of the text.

    Of each window only those samples are kept whose receptive field lies inside it, and no window
    extends beyond its spectrogram. So the samples are those of one pass over the spectrogram, to
    within rounding.
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
        """Read the sizes of ``network`` and fit the windows to its receptive field.

        Args:
            network: Upstream's ``BigVGAN``.
            synthesis: Makes samples (rows, 1, 256 t) of mels (rows, 80, t): ``network`` itself or
                its equal.
            first_window: Frames of the first window of ``pieces``.
            window: Frames of the longest window.
            windows_at_once: Windows of one length that ``synthesize`` puts into one batch.
        """
        self._synthesis = synthesis
        self._dtype: torch.dtype = network.conv_pre.weight.dtype
        self._receptive_field = receptive_field(network)
        self._samples_per_frame = samples_per_frame(network)
        self._window = max(window, 4 * self._receptive_field)
        self._first_window = min(max(first_window, 3 * self._receptive_field), self._window)
        self._windows_at_once = windows_at_once

    @property
    def samples_per_frame(self) -> int:
        return self._samples_per_frame

    def synthesize(self, mels: Sequence[Tensor]) -> list[Samples]:
        waves = [mel.new_empty(mel.shape[2] * self._samples_per_frame) for mel in mels]
        for windows in self._windows_by_length(mels):
            for begin in range(0, len(windows), self._windows_at_once):
                batch = windows[begin : begin + self._windows_at_once]
                frames = [mels[index][:, :, window.start : window.stop] for index, window in batch]
                rows = self._run(torch.cat(frames))
                for (index, window), samples in zip(batch, rows, strict=True):
                    waves[index][self._samples_of(window.first, window.last)] = self._kept(
                        window, samples
                    )
        return [wave.cpu().numpy() for wave in waves]

    def pieces(
        self, mel: Tensor, *, first_frame: int = 0, is_partial: bool = False
    ) -> Iterator[Samples]:
        windows = growing_windows(
            mel.shape[2],
            first=first_frame,
            shortest=self._first_window,
            longest=self._window,
            receptive_field=self._receptive_field,
        )
        end = mel.shape[2] - self._receptive_field if is_partial else mel.shape[2]
        for window in windows:
            if window.first < end:
                (samples,) = self._run(mel[:, :, window.start : window.stop])
                kept = replace(window, last=min(window.last, end))
                yield self._kept(kept, samples).cpu().numpy()

    def _run(self, mels: Tensor) -> Tensor:
        """Return samples (rows, 256 t), float32 and within ±1, of ``mels`` (rows, 80, t)."""
        return self._synthesis(mels.to(self._dtype))[:, 0].float().clamp(-1.0, 1.0)

    def _kept(self, window: Window, samples: Tensor) -> Tensor:
        """Return the kept part, (256 · kept frames,), of a window's ``samples`` (256 t,)."""
        return samples[self._samples_of(window.first - window.start, window.last - window.start)]

    def _samples_of(self, first: int, last: int) -> slice:
        """Return where the samples of the frames ``first`` to ``last`` are."""
        return slice(first * self._samples_per_frame, last * self._samples_per_frame)

    def _windows_by_length(self, mels: Sequence[Tensor]) -> list[list[tuple[int, Window]]]:
        """Group the windows of all ``mels``, each (1, 80, t), by length.

        Each window comes with the index of its mel.
        """
        groups: dict[int, list[tuple[int, Window]]] = {}
        for index, mel in enumerate(mels):
            for window in even_windows(
                mel.shape[2], length=self._window, receptive_field=self._receptive_field
            ):
                groups.setdefault(window.stop - window.start, []).append((index, window))
        return list(groups.values())
