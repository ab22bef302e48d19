"""What the language model reads before it speaks: voice, emotion and text as embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


class PromptBuilder:
    """Lays out a prompt: 32 voice latents with the emotion added, two speed tokens, the text."""

    def __init__(self, *, language_model: Any, dtype: torch.dtype) -> None:
        self._model = language_model
        self.dtype = dtype

    @property
    def longest_text(self) -> int:
        """How many text tokens fit between the start and the stop token."""
        return int(self._model.text_pos_embedding.emb.num_embeddings) - 2

    def build(self, tokens: Sequence[int], *, latents: Tensor, emotion: Tensor) -> Tensor:
        """Embeddings (1, 34 + len(tokens) + 2, width) in the serving precision.

        ``latents`` (1, 32, width) and ``emotion`` (1, width) are float32.
        """
        model, device = self._model, latents.device
        marks = (model.start_text_token, model.stop_text_token)
        ids = torch.tensor(
            [marks[0], *(token for token in tokens if token not in marks), marks[1]], device=device
        )
        positions = torch.arange(len(ids), device=device)
        text = model.text_embedding(ids) + model.text_pos_embedding.emb(positions)
        # Speed embeddings stand in the order "half speed off, full speed on" that training used.
        speed = model.speed_emb(torch.tensor([1, 0], device=device))
        voice = (latents + emotion.unsqueeze(1)).to(self.dtype)
        return torch.cat([voice, speed[None], text[None]], dim=1)


@dataclass(frozen=True, slots=True)
class PromptBatch:
    """Prompts of different lengths as rows of one tensor, empty on the left.

    ``embeddings`` (rows, longest, width) holds zeros in the first ``padding`` (rows,) positions.
    """

    embeddings: Tensor
    padding: Tensor


def batched(prompts: Sequence[Tensor]) -> PromptBatch:
    """Each of ``prompts`` is (1, its length, width)."""
    longest = max(prompt.shape[1] for prompt in prompts)
    padding = [longest - prompt.shape[1] for prompt in prompts]
    rows = [
        torch.nn.functional.pad(prompt, (0, 0, empty, 0))
        for prompt, empty in zip(prompts, padding, strict=True)
    ]
    return PromptBatch(torch.cat(rows), torch.tensor(padding, device=prompts[0].device))
