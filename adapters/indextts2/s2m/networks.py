"""The trained networks that compute a segment's content, each by the calls that are made of it."""

from collections.abc import Iterator
from typing import Any, Protocol

from torch import Tensor, nn


class LatentProjection(Protocol):
    """Upstream's ``gpt_layer``: from the language model's width W to the codec's width C."""

    def __call__(self, latents: Tensor) -> Tensor:
        """Project ``latents`` (1, n, W) to (1, n, C)."""


class CodeEmbedding(Protocol):
    """The codec's quantizer."""

    def vq2emb(self, vq: Tensor) -> Tensor:
        """Return the embeddings (1, C, n) of the codes ``vq`` (1, 1, n)."""


class SemanticCodec(Protocol):
    """MaskGCT's semantic codec (``RepCodec``)."""

    quantizer: CodeEmbedding


class LengthRegulator(Protocol):
    """Upstream's ``InterpolateRegulator``: from one vector a code to one vector a mel frame."""

    def __call__(
        self, x: Tensor, *, ylens: Tensor, n_quantizers: int, f0: None
    ) -> tuple[Tensor, Any, Any, Any, Any]:
        """Stretch ``x`` (1, n, C) to ``ylens`` (1,) frames; the first result is (1, frames, C')."""

    def modules(self) -> Iterator[nn.Module]:
        """Yield every layer."""
