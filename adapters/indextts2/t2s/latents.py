"""The language model's second pass: its thoughts about the codes it chose."""

from typing import Any, Protocol

import torch
from torch import Tensor

from adapters.indextts2.t2s.transformer import Transformer


class LatentReader(Protocol):
    """Turns codes back into the language model's hidden states."""

    def read(self, prompt: Tensor, codes: Tensor) -> Tensor:
        """Latents (1, n, width), float32, of ``codes`` (n,) after ``prompt`` (1, length, width)."""


class FullPassReader:
    """Runs prompt and codes through the model once more, with positions counted from 0."""

    def __init__(self, *, language_model: Any, backbone: Transformer) -> None:
        self._model = language_model
        self._backbone = backbone

    def read(self, prompt: Tensor, codes: Tensor) -> Tensor:
        model = self._model
        # The latent of a code stands where the code before it is read, so the last is not needed.
        ids = torch.cat([codes.new_tensor([model.start_mel_token]), codes[:-1]])
        positions = torch.arange(len(ids), device=ids.device)
        spoken = model.mel_embedding(ids) + model.mel_pos_embedding.emb(positions)
        x = torch.cat([prompt, spoken[None]], dim=1)
        hidden = self._backbone.run(x, None, None)
        latents: Tensor = model.final_norm(hidden[:, -len(ids) :])
        return latents.float()
