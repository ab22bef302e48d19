"""From a mel spectrogram to samples."""

from typing import Any, Protocol

from torch import Tensor

from domain.audio import Samples


class Vocoder(Protocol):
    """Makes a spectrogram audible."""

    def speak(self, mel: Tensor) -> Samples:
        """Samples (256 t,) at 22 050 Hz, within ±1, of ``mel`` (1, 80, t)."""


class BigVganVocoder:
    """The package's BigVGAN, one segment at a time, in float32."""

    def __init__(self, *, network: Any) -> None:
        self._network = network

    def speak(self, mel: Tensor) -> Samples:
        wave: Tensor = self._network(mel).flatten().clamp(-1.0, 1.0)
        samples: Samples = wave.cpu().numpy()
        return samples
