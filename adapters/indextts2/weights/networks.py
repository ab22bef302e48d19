"""The trained networks of a checkpoint, together on one device."""

from dataclasses import dataclass
from pathlib import Path

import torch
from munch import Munch
from torch import Tensor, nn

from adapters.indextts2.checkpoint_files import MODEL, CheckpointFiles
from adapters.indextts2.failures import reading
from adapters.indextts2.upstream import ModelClasses
from adapters.indextts2.weights.builders import (
    Construction,
    NumberTypes,
    build_codec,
    build_language_model,
    build_mel_decoder,
    build_speaker_encoder,
    build_speech_encoder,
    build_vocoder,
    read_config,
    read_encoder_settings,
    read_exemplars,
)
from adapters.indextts2.weights.converted import ConvertedWeights
from adapters.indextts2.weights.state_dicts import read_tensors


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """Everything trained, on one device, without gradients or weight norm.

    Everything is float32 except for what ``builders.NumberTypes`` names.

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
    files: CheckpointFiles,
    classes: ModelClasses,
    device: torch.device,
    *,
    fused_vocoder: bool,
    types: NumberTypes | None = None,
    converted: Path | None = None,
) -> Networks:
    """Read every required file; call it inside ``upstream.bare_package``.

    The largest networks come first: while one is filled its file and its tensors are both in
    memory. ``converted`` is the folder of ``converted.ConvertedWeights``; once it is complete,
    older ones beside it are removed.

    Raises:
        ModelUnavailable: a file is missing, damaged or of another model; the message names it.
        OutOfMemory: they do not fit.
    """
    config, encoder_settings = read_config(files), read_encoder_settings(files)
    width = int(encoder_settings["hidden_size"])
    build = Construction(
        files=files,
        classes=classes,
        weights=ConvertedWeights(folder=converted, device=device),
        types=types or NumberTypes(),
    )
    language_model = build_language_model(build, config, width)
    encoder = build_speech_encoder(build, encoder_settings)
    statistics = read_tensors(
        files.path(MODEL, "wav2vec2bert_stats.pt"), label="wav2vec2bert_stats.pt"
    )
    with reading("wav2vec2bert_stats.pt"):
        mean, deviation = statistics["mean"].float(), statistics["var"].float().sqrt()
        mean, deviation = mean.reshape(width), deviation.reshape(width)
    flow, lengths, projection = build_mel_decoder(build, config, width)
    with reading("config.yaml"):
        counts = tuple(int(count) for count in config.emo_num)
    networks = Networks(
        config=config,
        language_model=language_model,
        flow_estimator=flow,
        length_regulator=lengths,
        latent_projection=projection,
        speech_encoder=encoder,
        encoder_mean=mean.to(device),
        encoder_deviation=deviation.to(device),
        semantic_codec=build_codec(build, config),
        speaker_encoder=build_speaker_encoder(build, config),
        vocoder=build_vocoder(build, fused=fused_vocoder),
        exemplar_styles=read_exemplars(files, "feat1.pt", counts).to(device),
        exemplar_emotions=read_exemplars(files, "feat2.pt", counts, int(config.gpt.model_dim)).to(
            device
        ),
        exemplar_counts=counts,
    )
    build.weights.remove_older()
    return networks
