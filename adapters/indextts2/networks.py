"""The trained networks of a checkpoint, together on one device."""

from dataclasses import dataclass
from typing import Any

import torch
from munch import Munch
from torch import Tensor, nn

from adapters.indextts2.checkpoint_files import MODEL, CheckpointFiles
from adapters.indextts2.failures import reading
from adapters.indextts2.network_builders import (
    build_codec,
    build_language_model,
    build_mel_decoder,
    build_speaker_encoder,
    build_speech_encoder,
    build_vocoder,
    read_config,
    read_exemplars,
)
from adapters.indextts2.package import ModelClasses
from adapters.indextts2.weights import read_tensors


@dataclass(frozen=True, slots=True)
class Networks:
    """Everything trained, on one device, in float32, without gradients.

    ``encoder_mean`` and ``encoder_deviation`` normalise the speech encoder's output;
    ``exemplar_styles`` (E, 192) and ``exemplar_emotions`` (E, width) are the recordings that stand
    for each emotion, ``exemplar_counts`` of them in the order of ``domain.emotion.EMOTIONS``.
    """

    config: Munch
    language_model: nn.Module
    flow_estimator: nn.Module
    length_regulator: nn.Module
    latent_projection: nn.Module
    speech_encoder: nn.Module
    encoder_mean: Tensor
    encoder_deviation: Tensor
    semantic_codec: nn.Module
    speaker_encoder: nn.Module
    vocoder: nn.Module
    exemplar_styles: Tensor
    exemplar_emotions: Tensor
    exemplar_counts: tuple[int, ...]


def build_networks(
    files: CheckpointFiles, classes: ModelClasses, device: torch.device, *, fused_vocoder: bool
) -> Networks:
    """Read every required file; call it inside ``package.bare_package``.

    Raises:
        ModelUnavailable: a file is missing, damaged or of another model; the message names it.
        OutOfMemory: they do not fit.
    """
    config = read_config(files)
    encoder = build_speech_encoder(files)
    width = int(encoder.config.hidden_size)
    statistics = read_tensors(
        files.path(MODEL, "wav2vec2bert_stats.pt"), label="wav2vec2bert_stats.pt"
    )
    with reading("wav2vec2bert_stats.pt"):
        mean, deviation = statistics["mean"].float(), statistics["var"].float().sqrt()
        mean, deviation = mean.reshape(width), deviation.reshape(width)
    flow, lengths, projection = build_mel_decoder(files, classes, config, width)
    with reading("config.yaml"):
        counts = tuple(int(count) for count in config.emo_num)
    built = Networks(
        config=config,
        language_model=build_language_model(files, classes, config, width),
        flow_estimator=flow,
        length_regulator=lengths,
        latent_projection=projection,
        speech_encoder=encoder,
        encoder_mean=mean.to(device),
        encoder_deviation=deviation.to(device),
        semantic_codec=build_codec(files, classes, config),
        speaker_encoder=build_speaker_encoder(files, classes, config),
        vocoder=build_vocoder(files, classes, fused=fused_vocoder),
        exemplar_styles=read_exemplars(files, "feat1.pt", counts).to(device),
        exemplar_emotions=read_exemplars(files, "feat2.pt", counts, int(config.gpt.model_dim)).to(
            device
        ),
        exemplar_counts=counts,
    )
    for network in _networks_of(built):
        network.to(device).eval().requires_grad_(False)
    _set_up_positions(flow)
    return built


def _networks_of(built: Networks) -> tuple[nn.Module, ...]:
    return (
        built.language_model,
        built.flow_estimator,
        built.length_regulator,
        built.latent_projection,
        built.speech_encoder,
        built.semantic_codec,
        built.speaker_encoder,
        built.vocoder,
    )


def _set_up_positions(estimator: Any) -> None:
    """Let the estimator compute its rotary positions, on the device where its weights are now.

    The length only bounds a causal mask that is never looked at; 8192 would cost 67 MB.
    """
    estimator.setup_caches(max_batch_size=1, max_seq_length=8)
