"""The package's own modules, driven as its ``IndexTTS2.infer_generator`` drives them.

Segment after segment at batch 1: Hugging Face's beam search, a second pass for the latents, its own
flow-matching solver, its own vocoder. The adapter does the work of torchaudio; the integration
tests compare its numbers with torchaudio's.
"""

import io
import json
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from typing import Any

import torch
import yaml
from munch import munchify
from safetensors.torch import load_file
from torch import Tensor

from adapters.indextts2.checkpoint_files import (
    MODEL,
    SEMANTIC_CODEC,
    SPEAKER_ENCODER,
    SPEECH_ENCODER,
    VOCODER,
    CheckpointFiles,
)
from adapters.indextts2.reference.features import (
    MelSettings,
    encoder_features,
    kaldi_bands,
    mel_spectrogram,
)
from adapters.indextts2.reference.resampling import resample, resample_by_sinc
from adapters.indextts2.s2m.options import FlowOptions
from adapters.indextts2.sample_rates import ENCODER_RATE_HZ, MODEL_RATE_HZ
from adapters.indextts2.t2s.sampling import CodeSampling
from adapters.indextts2.upstream import ModelClasses, bare_package, import_model_classes
from domain.audio import Samples
from domain.voice import Recording
from tests.tiny_checkpoint.checkpoint import language_model, mel_decoder

_FEATURE_LAYER = 17
"""Layer of the speech encoder whose output the package uses."""

_FRAMES_PER_CODE = 1.72
"""Mel frames of one semantic code, as ``infer_generator`` has it."""


@dataclass(frozen=True, slots=True)
class VoiceFeatures:
    """The features of a recording, which the package keeps between requests.

    ``speech`` and ``emotion`` (1, T, C), ``style`` (1, 192), ``prompt`` (1, M, width), ``mel``
    (1, 80, M).
    """

    speech: Tensor
    emotion: Tensor
    style: Tensor
    prompt: Tensor
    mel: Tensor


@dataclass(frozen=True, slots=True)
class GeneratedCodes:
    """Codes (1, n) of a segment, with the stop code if there is one, and their inputs."""

    codes: Tensor
    tokens: Tensor
    voice: Tensor
    emotion: Tensor


@dataclass(frozen=True, slots=True)
class Mode:
    """Upstream's own speed-ups: a language model in float16, and a compiled flow estimator."""

    half: bool = False
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class Upstream:
    """The loaded modules, on their device."""

    gpt: Any
    parts: Any
    speech_encoder: Any
    mean: Tensor
    deviation: Tensor
    codec: Any
    speaker_encoder: Any
    vocoder: Any
    device: torch.device
    mode: Mode

    @classmethod
    def load(
        cls, files: CheckpointFiles, device: torch.device, mode: Mode | None = None
    ) -> "Upstream":
        """Load every module and move it to ``device``."""
        with bare_package(), torch.no_grad():
            loaded = _read(files, import_model_classes(), device, mode or Mode())
        modules = (loaded.gpt, loaded.speech_encoder, loaded.codec, loaded.speaker_encoder)
        for module in (*modules, loaded.vocoder, *loaded.parts.values()):
            module.to(device).eval()
        loaded.parts["cfm"].estimator.setup_caches(max_batch_size=1, max_seq_length=8192)
        if loaded.mode.half:
            loaded.gpt.half()
        if loaded.mode.compiled:
            loaded.parts["cfm"].enable_torch_compile()
        set_up_generation(loaded.gpt, half=loaded.mode.half)
        return loaded

    def encode(self, recording: Recording) -> VoiceFeatures:
        """Compute what ``infer_generator`` computes for another voice than in its last request."""
        speech = resample(recording.waveform, MODEL_RATE_HZ)
        narrow = resample_by_sinc(speech, MODEL_RATE_HZ, ENCODER_RATE_HZ)
        features = self._features(narrow)
        mel = mel_spectrogram(
            torch.from_numpy(speech).to(self.device),
            MelSettings(
                rate_hz=MODEL_RATE_HZ,
                fft_samples=1024,
                window_samples=1024,
                hop_samples=256,
                bands=80,
                lowest_hz=0,
                highest_hz=MODEL_RATE_HZ / 2,
            ),
        )
        bands = kaldi_bands(torch.from_numpy(narrow)).to(self.device)
        _, quantised = self.codec.quantize(features)
        lengths = torch.tensor([mel.shape[2]], device=self.device)
        return VoiceFeatures(
            speech=features,
            emotion=self._features(resample(recording.waveform, ENCODER_RATE_HZ)),
            style=self.speaker_encoder((bands - bands.mean(dim=0, keepdim=True))[None]),
            prompt=self._regulated(quantised, lengths),
            mel=mel,
        )

    def generate(
        self, voice: VoiceFeatures, tokens: Sequence[int], sampling: CodeSampling
    ) -> GeneratedCodes:
        """Generate the codes of one segment."""
        with self._language_model_types():
            return generated(self.gpt, voice.speech, voice.emotion, tokens, sampling)

    def latents_of(
        self, voice: VoiceFeatures, segment: GeneratedCodes
    ) -> tuple[GeneratedCodes, Tensor]:
        """Run the teacher-forced pass; return codes without a stop code, latents (1, n, width)."""
        stops = (segment.codes[0] == self.gpt.stop_mel_token).nonzero()
        segment = (
            replace(segment, codes=segment.codes[:, : int(stops[0, 0])]) if len(stops) else segment
        )
        with self._language_model_types():
            latents = self.gpt(
                segment.voice,
                segment.tokens,
                torch.tensor([segment.tokens.shape[1]], device=self.device),
                segment.codes,
                torch.tensor([segment.codes.shape[1]], device=self.device),
                voice.emotion,
                cond_mel_lengths=_length(voice.speech),
                emo_cond_mel_lengths=_length(voice.emotion),
                emo_vec=segment.emotion,
                use_speed=torch.zeros(1, dtype=torch.int64, device=self.device),
            )
        return segment, latents

    def mel_of(
        self,
        voice: VoiceFeatures,
        segment: GeneratedCodes,
        latents: Tensor,
        options: FlowOptions,
    ) -> Tensor:
        """Integrate the flow of one segment; return its mel (1, 80, frames)."""
        sounds = self.codec.quantizer.vq2emb(segment.codes[:, None]).transpose(1, 2)
        frames = torch.tensor([int(segment.codes.shape[1] * _FRAMES_PER_CODE)], device=self.device)
        content = self._regulated(sounds + self.parts["gpt_layer"](latents), frames)
        content = torch.cat([voice.prompt, content], dim=1)
        with redirect_stderr(io.StringIO()):  # the solver draws a bar for every segment
            mel: Tensor = self.parts["cfm"].inference(
                content,
                torch.tensor([content.shape[1]], device=self.device),
                voice.mel,
                voice.style,
                None,
                options.diffusion_steps,
                inference_cfg_rate=options.inference_cfg_rate,
            )
        return mel[:, :, voice.mel.shape[2] :]

    def speak(self, mel: Tensor) -> Samples:
        """Return the samples of ``mel`` (1, 80, frames)."""
        samples: Samples = self.vocoder(mel).flatten().clamp(-1, 1).cpu().numpy()
        return samples

    def _language_model_types(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.float16, enabled=self.mode.half)

    def _features(self, narrow: Samples) -> Tensor:
        features, mask = encoder_features(torch.from_numpy(narrow))
        layers = self.speech_encoder(
            input_features=features.to(self.device),
            attention_mask=mask.to(self.device),
            output_hidden_states=True,
        ).hidden_states
        normalised: Tensor = (layers[_FEATURE_LAYER] - self.mean) / self.deviation
        return normalised

    def _regulated(self, sounds: Tensor, frames: Tensor) -> Tensor:
        content: Tensor = self.parts["length_regulator"](
            sounds, ylens=frames, n_quantizers=3, f0=None
        )[0]
        return content


def generated(
    gpt: Any, speech: Tensor, emotion: Tensor, tokens: Sequence[int], sampling: CodeSampling
) -> GeneratedCodes:
    """Run the first stage of ``infer_generator``, with the conformers for every segment.

    ``speech`` and ``emotion`` (1, T, C) are features of a voice; ``gpt`` is set up for generation.
    """
    text = torch.tensor([list(tokens)], dtype=torch.int32, device=speech.device)
    lengths = {"cond_lengths": _length(speech), "emo_cond_lengths": _length(emotion)}
    vector = gpt.merge_emovec(speech, emotion, *lengths.values(), alpha=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations of Hugging Face in the package's code
        codes, voice = gpt.inference_speech(
            speech,
            text,
            emotion,
            **lengths,
            emo_vec=vector,
            do_sample=True,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            temperature=sampling.temperature,
            num_return_sequences=1,
            length_penalty=0.0,
            num_beams=sampling.num_beams,
            repetition_penalty=sampling.repetition_penalty,
            max_generate_length=sampling.max_mel_tokens,
        )
    return GeneratedCodes(codes, text, voice, vector)


def set_up_generation(gpt: Any, *, half: bool = False) -> None:
    """Let the package wrap its language model for Hugging Face's generation."""
    gpt.post_init_gpt2_config(use_deepspeed=False, kv_cache=True, half=half)


def _length(features: Tensor) -> Tensor:
    """Return the length that the package passes: the width of the features, in place of T."""
    return torch.tensor([features.shape[-1]], device=features.device)


def _read(
    files: CheckpointFiles, classes: ModelClasses, device: torch.device, mode: Mode
) -> Upstream:
    from transformers import Wav2Vec2BertConfig, Wav2Vec2BertModel

    config = munchify(yaml.safe_load(files.path(MODEL, "config.yaml").read_text()))
    settings = json.loads(files.path(SPEECH_ENCODER, "config.json").read_text())
    width = int(settings["hidden_size"])
    encoder: Any = Wav2Vec2BertModel(Wav2Vec2BertConfig.from_dict(settings))
    encoder.load_state_dict(load_file(files.path(SPEECH_ENCODER, "model.safetensors")))
    gpt = language_model(classes, config, width)
    gpt.load_state_dict(torch.load(files.path(MODEL, "gpt.pth"), weights_only=True)["model"])
    parts = mel_decoder(classes, config, width)
    saved = torch.load(files.path(MODEL, "s2mel.pth"), weights_only=True)["net"]
    for name, part in parts.items():
        part.load_state_dict(saved[name], strict=False)
    codec = classes.semantic_codec(cfg=config.semantic_codec)
    codec.load_state_dict(load_file(files.path(SEMANTIC_CODEC, "semantic_codec/model.safetensors")))
    saved_speaker = torch.load(
        files.path(SPEAKER_ENCODER, "campplus_cn_common.bin"), weights_only=True
    )
    growth = saved_speaker["xvector.block1.tdnnd1.cam_layer.linear_local.weight"].shape[0]
    speaker_encoder = classes.speaker_encoder(
        feat_dim=80,
        embedding_size=192,
        growth_rate=growth,
        bn_size=saved_speaker["xvector.block1.tdnnd1.linear1.weight"].shape[0] // growth,
        init_channels=saved_speaker["xvector.tdnn.linear.weight"].shape[0],
    )
    speaker_encoder.load_state_dict(saved_speaker)
    vocoder = classes.vocoder(
        classes.vocoder_settings(json.loads(files.path(VOCODER, "config.json").read_text()))
    )
    generator = torch.load(files.path(VOCODER, "bigvgan_generator.pt"), weights_only=True)
    vocoder.load_state_dict(generator["generator"])
    vocoder.remove_weight_norm()
    statistics = torch.load(files.path(MODEL, "wav2vec2bert_stats.pt"), weights_only=True)
    return Upstream(
        gpt=gpt,
        parts=parts,
        speech_encoder=encoder,
        mean=statistics["mean"].to(device),
        deviation=statistics["var"].sqrt().to(device),
        codec=codec,
        speaker_encoder=speaker_encoder,
        vocoder=vocoder,
        device=device,
        mode=mode,
    )
