"""What the model needs to know of a recording, computed once for each recording."""

from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from adapters.indextts2.reference.features import encoder_features, kaldi_bands, mel_spectrogram
from adapters.indextts2.reference.resampling import (
    ENCODER_RATE_HZ,
    MODEL_RATE_HZ,
    resample,
    resample_by_sinc,
)
from adapters.indextts2.weights.networks import Networks
from domain.audio import Samples, Waveform
from domain.voice import LONGEST_SECONDS, Recording

PREPROCESSING_VERSION = 1
"""Raise it whenever a recording gives other numbers than before: older cache files go unused."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording as the model hears it; W is the language model's width, M mel frames.

    As a speaker: ``latents`` (1, 32, W), ``style`` (1, 192), ``prompt`` (1, M, width of the mel
    decoder), ``mel`` (1, 80, M), and ``spoken_emotion`` (1, W), the emotion in the speaker's
    features. As an emotion: ``heard_emotion`` (1, W), from the other resampler's features.
    """

    latents: Tensor
    style: Tensor
    prompt: Tensor
    mel: Tensor
    spoken_emotion: Tensor
    heard_emotion: Tensor

    def tensors(self) -> dict[str, Tensor]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def to(self, device: torch.device) -> "Reference":
        return replace(self, **{name: tensor.to(device) for name, tensor in self.tensors().items()})


class ReferenceEncoder(Protocol):
    """Hears recordings."""

    def encode(self, recording: Recording) -> Reference:
        """The reference of ``recording``'s first 15 seconds."""


class NeuralReferenceEncoder:
    """Runs a recording through the speech encoder, codec, speaker encoder and conformers."""

    def __init__(self, *, networks: Networks, device: torch.device) -> None:
        self._networks = networks
        self._device = device

    def encode(self, recording: Recording) -> Reference:
        networks, language_model = self._networks, self._language_model
        speech = _cut(resample(recording.waveform, MODEL_RATE_HZ), MODEL_RATE_HZ)
        narrow = resample_by_sinc(speech, MODEL_RATE_HZ, ENCODER_RATE_HZ)
        features = self.speaker_features(recording.waveform)
        mel = self._mel(speech)
        return Reference(
            latents=language_model.get_conditioning(features.transpose(1, 2), _width_of(features)),
            style=self._style(narrow),
            prompt=self._prompt(features, frames=mel.shape[2]),
            mel=mel,
            spoken_emotion=self._emotion(features),
            heard_emotion=self._emotion(self.emotion_features(recording.waveform)),
        ).to(networks.encoder_mean.device)

    def speaker_features(self, waveform: Waveform) -> Tensor:
        """Speech features (1, T, C) of the recording as a speaker, by way of 22 050 Hz."""
        speech = _cut(resample(waveform, MODEL_RATE_HZ), MODEL_RATE_HZ)
        return self._encode(resample_by_sinc(speech, MODEL_RATE_HZ, ENCODER_RATE_HZ))

    def emotion_features(self, waveform: Waveform) -> Tensor:
        """Speech features (1, T, C) of the recording as an emotion, straight at 16 kHz."""
        return self._encode(_cut(resample(waveform, ENCODER_RATE_HZ), ENCODER_RATE_HZ))

    @property
    def _language_model(self) -> Any:
        return self._networks.language_model

    def _encode(self, samples: Samples) -> Tensor:
        features, mask = encoder_features(torch.from_numpy(samples))
        encoded: Any = self._networks.speech_encoder(
            input_features=features.to(self._device), attention_mask=mask.to(self._device)
        )
        speech: Tensor = encoded.last_hidden_state
        return (speech - self._networks.encoder_mean) / self._networks.encoder_deviation

    def _emotion(self, features: Tensor) -> Tensor:
        emotion: Tensor = self._language_model.get_emovec(features, _width_of(features))
        return emotion

    def _style(self, samples: Samples) -> Tensor:
        bands = kaldi_bands(torch.from_numpy(samples)).to(self._device)
        style: Tensor = self._networks.speaker_encoder(
            (bands - bands.mean(dim=0, keepdim=True)).unsqueeze(0)
        )
        return style

    def _mel(self, samples: Samples) -> Tensor:
        settings = self._networks.config.s2mel.preprocess_params
        spectrum = settings.spect_params
        return mel_spectrogram(
            torch.from_numpy(samples).to(self._device),
            rate_hz=settings.sr,
            transform=spectrum.n_fft,
            window=spectrum.win_length,
            step=spectrum.hop_length,
            bands=spectrum.n_mels,
            lowest_hz=spectrum.get("fmin", 0),
            highest_hz=settings.sr / 2 if spectrum.get("fmax", "None") == "None" else 8000,
        )

    def _prompt(self, features: Tensor, *, frames: int) -> Tensor:
        codec: Any = self._networks.semantic_codec
        _, quantised = codec.quantize(features)
        length = torch.tensor([frames], device=features.device)
        prompt: Tensor = self._networks.length_regulator(
            quantised, ylens=length, n_quantizers=3, f0=None
        )[0]
        return prompt


def _cut(samples: Samples, rate_hz: int) -> Samples:
    return samples[: int(LONGEST_SECONDS * rate_hz)]


def _width_of(features: Tensor) -> Tensor:
    """The lengths that the package hands its conformers: the feature width, not the frames.

    The model was trained with this mistake: frames beyond the width are masked, and with 1024
    features and 15 seconds there are none.
    """
    return torch.tensor([features.shape[-1]], device=features.device)
