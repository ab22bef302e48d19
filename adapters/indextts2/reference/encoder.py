"""From a recording to its reference features, through the networks that encode speech."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adapters.indextts2.reference.features import (
    MelSettings,
    encoder_features,
    kaldi_bands,
    mel_spectrogram,
)
from adapters.indextts2.reference.networks import (
    LengthRegulator,
    SemanticQuantizer,
    SpeakerEncoder,
    SpeechConditioning,
    SpeechEncoder,
)
from adapters.indextts2.reference.reference import Reference
from adapters.indextts2.reference.resampling import resample, resample_by_sinc
from adapters.indextts2.sample_rates import ENCODER_RATE_HZ, MODEL_RATE_HZ
from domain.audio import Samples, Waveform
from domain.voice import LONGEST_SECONDS, Recording


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeuralReferenceEncoder:
    """Computes reference features as upstream does, with the networks of IndexTTS-2.

    Source: ``IndexTTS2._get_speaker_conditioning`` and ``_get_emotion_conditioning`` in upstream's
    infer_v2.py. Every network is on ``device``.
    """

    speech_encoder: SpeechEncoder
    encoder_mean: Tensor  # (C,): mean of the speech encoder's output
    encoder_deviation: Tensor  # (C,): its standard deviation
    semantic_codec: SemanticQuantizer
    speaker_encoder: SpeakerEncoder
    language_model: SpeechConditioning
    length_regulator: LengthRegulator
    mel: MelSettings
    device: torch.device

    def encode(self, recording: Recording) -> Reference:
        """Return the features of the first 15 seconds of ``recording``."""
        speech, narrow = speaker_audio(recording.waveform)
        features = self.semantic_features(narrow)
        mel = mel_spectrogram(torch.from_numpy(speech).to(self.device), self.mel)
        emotion_features = self.semantic_features(emotion_audio(recording.waveform))
        return Reference(
            latents=self.language_model.get_conditioning(
                features.transpose(1, 2), _conformer_lengths(features)
            ),
            style=self._style(narrow),
            prompt=self._prompt(features, frames=mel.shape[2]),
            mel=mel,
            speaker_emotion=self._emotion(features),
            prompt_emotion=self._emotion(emotion_features),
        )

    def semantic_features(self, samples: Samples) -> Tensor:
        """Return the normalised speech features (1, T, C) of ``samples`` at 16 kHz."""
        features, mask = encoder_features(torch.from_numpy(samples))
        output = self.speech_encoder(
            input_features=features.to(self.device), attention_mask=mask.to(self.device)
        )
        hidden: Tensor = output.last_hidden_state
        return (hidden - self.encoder_mean) / self.encoder_deviation

    def _emotion(self, features: Tensor) -> Tensor:
        """Return the emotion vector (1, W) of speech features (1, T, C)."""
        return self.language_model.get_emovec(features, _conformer_lengths(features))

    def _style(self, samples: Samples) -> Tensor:
        """Return the style vector (1, 192) of ``samples`` at 16 kHz."""
        bands = kaldi_bands(torch.from_numpy(samples)).to(self.device)
        return self.speaker_encoder((bands - bands.mean(dim=0, keepdim=True)).unsqueeze(0))

    def _prompt(self, features: Tensor, *, frames: int) -> Tensor:
        """Return speech features (1, T, C) as the mel decoder's content (1, ``frames``, C')."""
        _, quantised = self.semantic_codec.quantize(features)
        lengths = torch.tensor([frames], device=features.device)
        return self.length_regulator(quantised, ylens=lengths, n_quantizers=3, f0=None)[0]


def speaker_audio(waveform: Waveform) -> tuple[Samples, Samples]:
    """Return a speaker's recording at 22 050 Hz and, resampled from that, at 16 kHz.

    Both are cut to 15 seconds.
    """
    speech = _first_seconds(resample(waveform, MODEL_RATE_HZ), MODEL_RATE_HZ)
    return speech, resample_by_sinc(speech, MODEL_RATE_HZ, ENCODER_RATE_HZ)


def emotion_audio(waveform: Waveform) -> Samples:
    """Return the recording of an emotion, resampled to 16 kHz in one step, cut to 15 seconds."""
    return _first_seconds(resample(waveform, ENCODER_RATE_HZ), ENCODER_RATE_HZ)


def _first_seconds(samples: Samples, rate_hz: int) -> Samples:
    return samples[: int(LONGEST_SECONDS * rate_hz)]


def _conformer_lengths(features: Tensor) -> Tensor:
    """Return the lengths (1,) that upstream passes to its conformers for ``features`` (1, T, C).

    Upstream passes C where T is meant (``spk_cond_emb.shape[-1]`` in infer_v2.py), so frames beyond
    C are masked. With the released model's 1024 features, 15 seconds have fewer frames than that.
    """
    return torch.tensor([features.shape[-1]], device=features.device)
