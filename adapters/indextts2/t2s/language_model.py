"""The part of the package's language model that text-to-semantic decoding uses."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from torch import Tensor, nn


class PositionTable(Protocol):
    """Learned position embeddings, the package's ``LearnedPositionEmbeddings``."""

    emb: nn.Embedding


class Gpt2(Protocol):
    """Hugging Face's ``GPT2Model``: its ``GPT2Block`` modules and the norm after the last one."""

    h: Iterable[Any]
    ln_f: Callable[[Tensor], Tensor]


class LanguageModel(Protocol):
    """The package's ``indextts.gpt.model_v2.UnifiedVoice``, as its attributes are used here."""

    gpt: Gpt2
    heads: int
    start_text_token: int
    stop_text_token: int
    start_mel_token: int
    stop_mel_token: int
    max_mel_tokens: int
    text_pos_embedding: PositionTable
    mel_pos_embedding: PositionTable

    def text_embedding(self, tokens: Tensor, /) -> Tensor:
        """Return embeddings (..., width) of text tokens (...), int64."""

    def speed_emb(self, speeds: Tensor, /) -> Tensor:
        """Return embeddings (..., width) of speed tokens (...), int64."""

    def mel_embedding(self, codes: Tensor, /) -> Tensor:
        """Return embeddings (..., width) of semantic codes (...), int64."""

    def final_norm(self, hidden: Tensor, /) -> Tensor:
        """Normalise hidden states (..., width)."""

    def mel_head(self, hidden: Tensor, /) -> Tensor:
        """Return logits (..., codes) of normalised hidden states (..., width)."""
