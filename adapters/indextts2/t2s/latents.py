"""Teacher-forced pass of the language model: hidden states of codes that are already known."""

import torch
from torch import Tensor

from adapters.indextts2.t2s.language_model import LanguageModel
from adapters.indextts2.t2s.transformer import Transformer


def compute_latents(
    language_model: LanguageModel, transformer: Transformer, prompt: Tensor, codes: Tensor
) -> Tensor:
    """Return the latents of ``codes``: the hidden states from which the model predicts them.

    The pass is that of the package's ``UnifiedVoice.forward``. Unlike decoding, it counts the
    positions of the codes from 0 without a gap.

    Args:
        language_model: The package's model.
        transformer: Its transformer.
        prompt: (1, length, width), see ``prompt.PromptBuilder``.
        codes: (n,), int64, without the stop code.

    Returns:
        (1, n, width), float32.
    """
    model = language_model
    # The hidden state that predicts a code is that of the code before it: the last is not read.
    inputs = torch.cat([codes.new_tensor([model.start_mel_token]), codes[:-1]])
    positions = torch.arange(len(inputs), device=inputs.device)
    embedded = model.mel_embedding(inputs) + model.mel_pos_embedding.emb(positions)
    hidden = transformer.run(torch.cat([prompt, embedded[None]], dim=1), None, None)
    return model.final_norm(hidden[:, -len(inputs) :]).float()
