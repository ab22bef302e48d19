"""How each network is built from the package's classes and filled from its checkpoint file.

Every function here raises ModelUnavailable, naming the file, where a file is missing, damaged or
of another model.
"""

import json
from collections.abc import Mapping
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
from adapters.indextts2.weights import fill, read_tensor, read_tensors

ENCODER_LAYERS = 17
"""The model listens to w2v-bert's 17th layer; the seven above it are not even built."""

_UNUSED_IN_FLOW = (
    "estimator.cond_embedder.",
    "estimator.content_mask_embedder.",
    "estimator.x_embedder.",
)
_UNUSED_IN_LENGTHS = ("embedding.", "mask_token")


def read_config(files: CheckpointFiles) -> Munch:
    with reading("config.yaml"):
        content = yaml.safe_load(files.path(MODEL, "config.yaml").read_text(encoding="utf-8"))
        config: Munch = munchify(content)
        _ = config.gpt.model_dim, config.s2mel.style_encoder, config.semantic_codec, config.emo_num
    return config


def build_language_model(
    files: CheckpointFiles, classes: ModelClasses, config: Munch, width: int
) -> nn.Module:
    with reading("config.yaml"):
        model: Any = classes.language_model(**config.gpt)
        for encoder in (model.conditioning_encoder, model.emo_conditioning_encoder):
            _listen_to(encoder, width)
    state = read_tensors(files.path(MODEL, "gpt.pth"), label="gpt.pth", below="model")
    fill(model, state, label="gpt.pth")
    network: nn.Module = model
    return network


def _listen_to(encoder: Any, width: int) -> None:
    """Size the encoder's first linear layer for ``width`` features: the package says 1024."""
    projection = encoder.embed.out[0]
    channels = projection.out_features
    encoder.embed.out[0] = nn.Linear(channels * ((width - 1) // 2), channels)


def build_mel_decoder(
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
    return parts["cfm"].estimator, parts["length_regulator"], projection


def build_speech_encoder(files: CheckpointFiles) -> Any:
    from transformers import Wav2Vec2BertConfig, Wav2Vec2BertModel

    label = _label(SPEECH_ENCODER, "config.json")
    with reading(label):
        settings = json.loads(files.path(SPEECH_ENCODER, "config.json").read_text("utf-8"))
        settings["num_hidden_layers"] = ENCODER_LAYERS
        model: Any = Wav2Vec2BertModel(Wav2Vec2BertConfig.from_dict(settings))
    label = _label(SPEECH_ENCODER, "model.safetensors")
    state = read_tensors(files.path(SPEECH_ENCODER, "model.safetensors"), label=label)
    state = {name.removeprefix("wav2vec2_bert."): tensor for name, tensor in state.items()}
    fill(model, state, label=label, unused=("masked_spec_embed",))
    return model


def build_codec(files: CheckpointFiles, classes: ModelClasses, config: Munch) -> nn.Module:
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


def build_speaker_encoder(
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


def build_vocoder(files: CheckpointFiles, classes: ModelClasses, *, fused: bool) -> nn.Module:
    label = _label(VOCODER, "config.json")
    with reading(label):
        settings = json.loads(files.path(VOCODER, "config.json").read_text("utf-8"))
        vocoder: Any = classes.vocoder(classes.vocoder_settings(settings), use_cuda_kernel=fused)
    path = "bigvgan_generator.pt"
    label = _label(VOCODER, path)
    state = read_tensors(files.path(VOCODER, path), label=label, below="generator")
    if not any(name.endswith(".weight_g") for name in state):
        vocoder.remove_weight_norm()
    fill(vocoder, state, label=label)
    if any(name.endswith(".weight_g") for name in state):
        vocoder.remove_weight_norm()
    network: nn.Module = vocoder
    return network


def read_exemplars(
    files: CheckpointFiles, name: str, counts: tuple[int, ...], width: int | None = None
) -> Tensor:
    exemplars = read_tensor(files.path(MODEL, name), label=name)
    with reading(name):
        return exemplars.reshape(sum(counts), width or exemplars.shape[1])


def _label(repository: str, path: str) -> str:
    return NeededFile(repository, path).label
