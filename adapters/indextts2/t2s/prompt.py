"""Prompts of the language model: voice, emotion and text as embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from adapters.indextts2.t2s.language_model import LanguageModel


class PromptBuilder:
    """Builds prompts: 32 voice latents with the emotion added, two speed tokens, the text.

    The order is that of the package's ``UnifiedVoice.inference_speech``.
    """

    def __init__(self, *, language_model: LanguageModel, dtype: torch.dtype) -> None:
        """Take the embeddings of ``language_model``; ``dtype`` is the number type of prompts."""
        self._model = language_model
        self.dtype = dtype

    @property
    def longest_text(self) -> int:
        """Number of text tokens that fit between the start token and the stop token."""
        return int(self._model.text_pos_embedding.emb.num_embeddings) - 2

    def build(self, tokens: Sequence[int], *, latents: Tensor, emotion: Tensor) -> Tensor:
        """Return the prompt of one segment.

        Args:
            tokens: Ids of the segment's text tokens. Start and stop tokens among them are dropped.
            latents: Voice latents (1, 32, width), float32.
            emotion: (1, width), float32.

        Returns:
            Embeddings (1, 34 + len(tokens) + 2, width) of type ``dtype``.
        """
        model, device = self._model, latents.device
        start, stop = model.start_text_token, model.stop_text_token
        kept = [token for token in tokens if token not in (start, stop)]
        ids = torch.tensor([start, *kept, stop], device=device)
        positions = torch.arange(len(ids), device=device)
        text = model.text_embedding(ids) + model.text_pos_embedding.emb(positions)
        # In the package's order: ``duration_emb_half`` is row 1, ``duration_emb`` is row 0.
        speed = model.speed_emb(torch.tensor([1, 0], device=device))
        voice = (latents + emotion.unsqueeze(1)).to(self.dtype)
        return torch.cat([voice, speed[None], text[None]], dim=1)


@dataclass(frozen=True, slots=True, eq=False)
class PromptBatch:
    """Prompts of different lengths as the rows of one tensor, padded on the left."""

    embeddings: Tensor  # (rows, longest prompt, width)
    padding: Tensor  # (rows,), int64: number of padding positions at the start of each row


def batch_prompts(prompts: Sequence[Tensor]) -> PromptBatch:
    """Pad ``prompts``, each (1, its length, width), to one length."""
    longest = max(prompt.shape[1] for prompt in prompts)
    padding = [longest - prompt.shape[1] for prompt in prompts]
    rows = [pad(prompt, (0, 0, count, 0)) for prompt, count in zip(prompts, padding, strict=True)]
    return PromptBatch(torch.cat(rows), torch.tensor(padding, device=prompts[0].device))
