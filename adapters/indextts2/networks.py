"""The trained networks, built from the package's classes and filled from checkpoint files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from munch import Munch, munchify
from torch import Tensor, nn

from adapters.indextts2.checkpoint_files import (
    MODEL,
    SEMANTIC_CODEC,
    SPEAKER_ENCODER,
    SPEECH_ENCODER,
    VOCODER,
    CheckpointFiles,
    NeededFile,
)
from adapters.indextts2.failures import reading
from adapters.indextts2.package import ModelClasses
from adapters.indextts2.weights import State, fill, read_tensor, read_tensors

ENCODER_LAYERS = 17
"""The model listens to w2v-bert's 17th layer; the seven above it are not even built."""

_UNUSED_IN_FLOW = (
    "estimator.cond_embedder.",
    "estimator.content_mask_embedder.",
    "estimator.x_embedder.",
)
_UNUSED_IN_LENGTHS = ("embedding.", "mask_token")


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
    config = _read_config(files)
    encoder = _build_speech_encoder(files)
    width = int(encoder.config.hidden_size)
    statistics = read_tensors(
        files.path(MODEL, "wav2vec2bert_stats.pt"), label="wav2vec2bert_stats.pt"
    )
    with reading("wav2vec2bert_stats.pt"):
        mean, deviation = statistics["mean"].float(), statistics["var"].float().sqrt()
        mean, deviation = mean.reshape(width), deviation.reshape(width)
    flow, lengths, projection = _build_mel_decoder(files, classes, config, width)
    with reading("config.yaml"):
        counts = tuple(int(count) for count in config.emo_num)
    built = Networks(
        config=config,
        language_model=_build_language_model(files, classes, config, width),
        flow_estimator=flow,
        length_regulator=lengths,
        latent_projection=projection,
        speech_encoder=encoder,
        encoder_mean=mean.to(device),
        encoder_deviation=deviation.to(device),
        semantic_codec=_build_codec(files, classes, config),
        speaker_encoder=_build_speaker_encoder(files, classes, config),
        vocoder=_build_vocoder(files, classes, fused=fused_vocoder),
        exemplar_styles=_exemplars(files, "feat1.pt", counts).to(device),
        exemplar_emotions=_exemplars(files, "feat2.pt", counts, int(config.gpt.model_dim)).to(
            device
        ),
        exemplar_counts=counts,
    )
    for network in _networks_of(built):
        network.to(device).eval().requires_grad_(False)
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


def _read_config(files: CheckpointFiles) -> Munch:
    with reading("config.yaml"):
        content = yaml.safe_load(files.path(MODEL, "config.yaml").read_text(encoding="utf-8"))
        config: Munch = munchify(content)
        _ = config.gpt.model_dim, config.s2mel.style_encoder, config.semantic_codec, config.emo_num
    return config


def _build_language_model(
    files: CheckpointFiles, classes: ModelClasses, config: Munch, width: int
) -> nn.Module:
    with reading("config.yaml"):
        model: Any = classes.language_model(**config.gpt)
        for encoder in (model.conditioning_encoder, model.emo_conditioning_encoder):
            _listen_to(encoder, width)
    path = files.path(MODEL, "gpt.pth")
    fill(model, _flat(read_tensors, path, "gpt.pth"), label="gpt.pth")
    network: nn.Module = model
    return network


def _listen_to(encoder: Any, width: int) -> None:
    """Size the encoder's first linear layer for ``width`` features: the package says 1024."""
    projection = encoder.embed.out[0]
    channels = projection.out_features
    encoder.embed.out[0] = nn.Linear(channels * ((width - 1) // 2), channels)


def _flat(read: Any, path: Path, label: str) -> State:
    """The tensors of ``path``, whether they lie there directly or under ``model``."""
    tensors: State = read(path, label=label)
    return tensors or read(path, label=label, inside="model")


def _build_mel_decoder(
    files: CheckpointFiles, classes: ModelClasses, config: Munch, width: int
) -> tuple[nn.Module, nn.Module, nn.Module]:
    with reading("config.yaml"):
        parts: Any = classes.mel_decoder(config.s2mel, use_gpt_latent=True).models
        projection = nn.Sequential(
            nn.Linear(int(config.gpt.model_dim), 256), nn.Linear(256, 128), nn.Linear(128, width)
        )
    path, label = files.path(MODEL, "s2mel.pth"), "s2mel.pth"
    with reading(label):
        saved: dict[str, Mapping[str, Tensor]] = torch.load(
            path, map_location="cpu", weights_only=True
        )["net"]
        cfm, lengths, projected = (
            {name.removeprefix("module."): tensor for name, tensor in saved[part].items()}
            for part in ("cfm", "length_regulator", "gpt_layer")
        )
    fill(parts["cfm"], cfm, label=label, unused=_UNUSED_IN_FLOW)
    fill(parts["length_regulator"], lengths, label=label, unused=_UNUSED_IN_LENGTHS)
    fill(projection, projected, label=label)
    estimator = parts["cfm"].estimator
    # The size only bounds a causal mask that is never looked at; 8192 would cost 67 MB.
    estimator.setup_caches(max_batch_size=1, max_seq_length=8)
    return estimator, parts["length_regulator"], projection


def _build_speech_encoder(files: CheckpointFiles) -> Any:
    from transformers import Wav2Vec2BertConfig, Wav2Vec2BertModel

    label = _label(SPEECH_ENCODER, "config.json")
    with reading(label):
        settings = json.loads(files.path(SPEECH_ENCODER, "config.json").read_text("utf-8"))
        settings["num_hidden_layers"] = ENCODER_LAYERS
        model: Any = Wav2Vec2BertModel(Wav2Vec2BertConfig(**settings))
    label = _label(SPEECH_ENCODER, "model.safetensors")
    state = read_tensors(files.path(SPEECH_ENCODER, "model.safetensors"), label=label)
    state = {name.removeprefix("wav2vec2_bert."): tensor for name, tensor in state.items()}
    fill(model, state, label=label, unused=("masked_spec_embed",))
    return model


def _build_codec(files: CheckpointFiles, classes: ModelClasses, config: Munch) -> nn.Module:
    with reading("config.yaml"):
        codec: nn.Module = classes.semantic_codec(cfg=config.semantic_codec)
    path = "semantic_codec/model.safetensors"
    label = _label(SEMANTIC_CODEC, path)
    fill(
        codec,
        read_tensors(files.path(SEMANTIC_CODEC, path), label=label),
        label=label,
        unused=("decoder.",),
    )
    return codec


def _build_speaker_encoder(
    files: CheckpointFiles, classes: ModelClasses, config: Munch
) -> nn.Module:
    path = "campplus_cn_common.bin"
    label = _label(SPEAKER_ENCODER, path)
    state = read_tensors(files.path(SPEAKER_ENCODER, path), label=label)
    with reading(label):
        growth = state["xvector.block1.tdnnd1.cam_layer.linear_local.weight"].shape[0]
        encoder: nn.Module = classes.speaker_encoder(
            feat_dim=80,
            embedding_size=int(config.s2mel.style_encoder.dim),
            growth_rate=growth,
            bn_size=state["xvector.block1.tdnnd1.linear1.weight"].shape[0] // growth,
            init_channels=state["xvector.tdnn.linear.weight"].shape[0],
        )
    fill(encoder, state, label=label)
    return encoder


def _build_vocoder(files: CheckpointFiles, classes: ModelClasses, *, fused: bool) -> nn.Module:
    label = _label(VOCODER, "config.json")
    with reading(label):
        settings = json.loads(files.path(VOCODER, "config.json").read_text("utf-8"))
        vocoder: Any = classes.vocoder(classes.vocoder_settings(settings), use_cuda_kernel=fused)
    path = "bigvgan_generator.pt"
    label = _label(VOCODER, path)
    state = read_tensors(files.path(VOCODER, path), label=label, inside="generator")
    if not any(name.endswith(".weight_g") for name in state):
        vocoder.remove_weight_norm()
    fill(vocoder, state, label=label)
    if any(name.endswith(".weight_g") for name in state):
        vocoder.remove_weight_norm()
    network: nn.Module = vocoder
    return network


def _exemplars(
    files: CheckpointFiles, name: str, counts: tuple[int, ...], width: int | None = None
) -> Tensor:
    exemplars = read_tensor(files.path(MODEL, name), label=name)
    with reading(name):
        return exemplars.reshape(sum(counts), width or exemplars.shape[1])


def _label(repository: str, path: str) -> str:
    return NeededFile(repository, path).label
