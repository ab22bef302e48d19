"""Reference features: everything that the model computes of a recording."""

from dataclasses import dataclass, fields, replace
from typing import Protocol

import torch
from torch import Tensor

from domain.voice import Recording

FEATURES_VERSION = 2
"""Version of the features. Raise it when a recording gives other numbers, or ``Reference`` has
other fields: caches then ignore what they stored before."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The features of one recording, on the model's device.

    W is the language model's width, C the mel decoder's content width, M the number of mel frames.

    ``latents``, ``style``, ``prompt`` and ``mel`` describe the speaker. The two emotion vectors
    come from the same network; upstream resamples a speaker's recording and an emotion prompt in
    different ways, so that they differ slightly.
    """

    latents: Tensor  # (1, 32, W): the conditioning that begins the language model's prompt
    style: Tensor  # (1, 192): the speaker encoder's embedding
    prompt: Tensor  # (1, M, C): the semantic content of the recording, one vector a mel frame
    mel: Tensor  # (1, 80, M)
    speaker_emotion: Tensor  # (1, W): the emotion, where the recording is the speaker's
    prompt_emotion: Tensor  # (1, W): the emotion, where the recording is an emotion prompt

    def tensors(self) -> dict[str, Tensor]:
        """Return the fields by name, each with the shape of its field."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def to(self, device: torch.device) -> "Reference":
        """Return the same features on ``device``."""
        return replace(self, **{name: tensor.to(device) for name, tensor in self.tensors().items()})


class ReferenceEncoder(Protocol):
    """Computes reference features."""

    def encode(self, recording: Recording) -> Reference:
        """Return the features of the first 15 seconds of ``recording``."""
