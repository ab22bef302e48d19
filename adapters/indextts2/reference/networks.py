"""The trained networks of the reference encoder, each by the calls that are made of it."""

from typing import Any, Protocol

from torch import Tensor


class SpeechEncoder(Protocol):
    """w2v-BERT 2.0 up to the layer whose output IndexTTS-2 uses."""

    def __call__(self, *, input_features: Tensor, attention_mask: Tensor) -> Any:
        """Encode ``input_features`` (1, T, 160) with ``attention_mask`` (1, T).

        Returns:
            A transformers output whose ``last_hidden_state`` is (1, T, C).
        """


class SemanticQuantizer(Protocol):
    """The encoding half of MaskGCT's semantic codec (``RepCodec``)."""

    def quantize(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Quantise features ``x`` (1, T, C): codes (1, T) and their embeddings (1, T, C)."""


class SpeakerEncoder(Protocol):
    """CAMPPlus."""

    def __call__(self, x: Tensor) -> Tensor:
        """Embed mean-normalised Kaldi bands ``x`` (1, frames, 80) as a style vector (1, 192)."""


class SpeechConditioning(Protocol):
    """The conditioning networks inside IndexTTS-2's language model (``UnifiedVoice``).

    W is the language model's width; ``lengths`` is (1,), int64.
    """

    def get_conditioning(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Turn ``features`` (1, C, T) into the speaker's conditioning latents (1, 32, W)."""

    def get_emovec(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Turn ``features`` (1, T, C) into an emotion vector (1, W)."""


class LengthRegulator(Protocol):
    """Upstream's ``InterpolateRegulator``: from one vector a code to one vector a mel frame."""

    def __call__(
        self, x: Tensor, *, ylens: Tensor, n_quantizers: int, f0: None
    ) -> tuple[Tensor, Any, Any, Any, Any]:
        """Stretch ``x`` (1, T, C) to ``ylens`` (1,) frames; the first result is (1, frames, C')."""
