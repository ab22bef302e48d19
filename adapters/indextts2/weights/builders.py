"""One function for each network, built from the package's classes and filled with its weights.

Every function raises ModelUnavailable, with the name of the file, where a file is missing, damaged
or of another model.
"""

import json
from dataclasses import dataclass
from functools import partial
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
from adapters.indextts2.upstream import ModelClasses
from adapters.indextts2.weights.converted import ConvertedWeights
from adapters.indextts2.weights.meta_init import fold_weight_norm, meta_init
from adapters.indextts2.weights.state_dicts import State, read_parts, read_tensor, read_tensors

ENCODER_LAYERS = 17
"""The features are the output of w2v-bert's 17th layer; the seven above it are not built."""

_UNUSED_IN_FLOW = (
    "estimator.cond_embedder.",
    "estimator.content_mask_embedder.",
    "estimator.x_embedder.",
)
_UNUSED_IN_LENGTHS = ("embedding.", "mask_token")
_GENERATING = (
    "gpt",
    "final_norm",
    "mel_head",
    "mel_embedding",
    "mel_pos_embedding",
    "text_embedding",
    "text_pos_embedding",
    "speed_emb",
)
"""The parts of the language model that generate; those that encode recordings stay in float32."""


@dataclass(frozen=True, slots=True)
class NumberTypes:
    """The number types of the weights of the three stages; everything else is float32.

    ``blocks`` is for the large matrices of the language model's transformer, ``language`` for the
    rest of its parts that generate.
    """

    language: torch.dtype = torch.float32
    blocks: torch.dtype = torch.float32
    flow: torch.dtype = torch.float32
    vocoder: torch.dtype = torch.float32


@dataclass(frozen=True, slots=True)
class Construction:
    """The arguments of every builder: files, the package's classes, weights and number types."""

    files: CheckpointFiles
    classes: ModelClasses
    weights: ConvertedWeights
    types: NumberTypes

    def path(self, repository: str, path: str) -> Path:
        """Return where a file of ``repository`` is."""
        return self.files.path(repository, path)


def read_config(files: CheckpointFiles) -> Munch:
    """Return the model's settings, ``config.yaml``."""
    with reading("config.yaml"):
        content = yaml.safe_load(files.path(MODEL, "config.yaml").read_text(encoding="utf-8"))
        config: Munch = munchify(content)
        _ = config.gpt.model_dim, config.s2mel.style_encoder, config.semantic_codec, config.emo_num
    return config


def read_encoder_settings(files: CheckpointFiles) -> dict[str, Any]:
    """Return the settings of the speech encoder, with the number of layers that are used."""
    with reading(_label(SPEECH_ENCODER, "config.json")):
        settings = json.loads(files.path(SPEECH_ENCODER, "config.json").read_text("utf-8"))
        int(settings["hidden_size"])
        return {**settings, "num_hidden_layers": ENCODER_LAYERS}


def build_language_model(build: Construction, config: Munch, width: int) -> nn.Module:
    """Return the text-to-semantic model for reference features of ``width`` channels."""
    with reading("config.yaml"), meta_init():
        model: Any = build.classes.language_model(**config.gpt)
        for encoder in (model.conditioning_encoder, model.emo_conditioning_encoder):
            _set_input_width(encoder, width)
    for part in _GENERATING:
        getattr(model, part).to(build.types.language)
    for block in model.gpt.h:
        for layer in (block.attn, block.mlp):
            layer.to(build.types.blocks)
    label = "gpt.pth"
    source = partial(read_tensors, build.path(MODEL, label), label=label, below="model")
    build.weights.fill(model, "language_model", source, label=label)
    network: nn.Module = model
    return network


def _set_input_width(encoder: Any, width: int) -> None:
    """Give the first linear layer of ``encoder`` inputs of ``width``; the package's have 1024."""
    projection = encoder.embed.out[0]
    channels = projection.out_features
    encoder.embed.out[0] = nn.Linear(channels * ((width - 1) // 2), channels)


def build_mel_decoder(
    build: Construction, config: Munch, width: int
) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Return the velocity estimator, the length regulator and the projection of latents.

    The projection maps the latents (..., width of the language model) to (..., ``width``).
    """
    with reading("config.yaml"), meta_init():
        parts: Any = build.classes.mel_decoder(config.s2mel, use_gpt_latent=True).models
        projection = nn.Sequential(
            nn.Linear(int(config.gpt.model_dim), 256), nn.Linear(256, 128), nn.Linear(128, width)
        )
    flow: Any = parts["cfm"]
    lengths: nn.Module = parts["length_regulator"]
    fold_weight_norm(flow)
    for parameter in flow.parameters():
        parameter.data = parameter.data.to(build.types.flow)
    fill = partial(_fill_from_mel_file, build)
    fill(flow, "flow", "cfm", unused=_UNUSED_IN_FLOW)
    fill(lengths, "length_regulator", "length_regulator", unused=_UNUSED_IN_LENGTHS)
    fill(projection, "latent_projection", "gpt_layer")
    return flow.estimator, lengths, projection


def _fill_from_mel_file(
    build: Construction, network: nn.Module, name: str, part: str, unused: tuple[str, ...] = ()
) -> None:
    label = "s2mel.pth"

    def source() -> State:
        (state,) = read_parts(build.path(MODEL, label), part, label=label, below="net")
        return state

    build.weights.fill(network, name, source, label=label, unused=unused)


def build_speech_encoder(build: Construction, settings: dict[str, Any]) -> Any:
    """Return w2v-bert up to the layer whose output is used."""
    from transformers import Wav2Vec2BertConfig, Wav2Vec2BertModel

    with reading(_label(SPEECH_ENCODER, "config.json")), meta_init():
        model: Any = Wav2Vec2BertModel(Wav2Vec2BertConfig.from_dict(settings))
    label = _label(SPEECH_ENCODER, "model.safetensors")

    def source() -> State:
        state = read_tensors(build.path(SPEECH_ENCODER, "model.safetensors"), label=label)
        return {name.removeprefix("wav2vec2_bert."): tensor for name, tensor in state.items()}

    build.weights.fill(model, "speech_encoder", source, label=label, unused=("masked_spec_embed",))
    return model


def build_codec(build: Construction, config: Munch) -> nn.Module:
    """Return the semantic codec without its decoder."""
    with reading("config.yaml"), meta_init():
        codec: nn.Module = build.classes.semantic_codec(cfg=config.semantic_codec)
    fold_weight_norm(codec)
    path = "semantic_codec/model.safetensors"
    label = _label(SEMANTIC_CODEC, path)
    source = partial(read_tensors, build.path(SEMANTIC_CODEC, path), label=label)
    build.weights.fill(codec, "semantic_codec", source, label=label, unused=("decoder.",))
    return codec


def build_speaker_encoder(build: Construction, config: Munch) -> nn.Module:
    """Return CAMPPlus, in the sizes of its weights."""
    path = "campplus_cn_common.bin"
    label = _label(SPEAKER_ENCODER, path)
    state = read_tensors(build.path(SPEAKER_ENCODER, path), label=label)
    with reading(label), meta_init():
        growth = state["xvector.block1.tdnnd1.cam_layer.linear_local.weight"].shape[0]
        encoder: nn.Module = build.classes.speaker_encoder(
            feat_dim=80,
            embedding_size=int(config.s2mel.style_encoder.dim),
            growth_rate=growth,
            bn_size=state["xvector.block1.tdnnd1.linear1.weight"].shape[0] // growth,
            init_channels=state["xvector.tdnn.linear.weight"].shape[0],
        )
    build.weights.fill(encoder, "speaker_encoder", lambda: state, label=label)
    return encoder


def build_vocoder(build: Construction, *, fused: bool) -> nn.Module:
    """Return BigVGAN; ``fused`` chooses the package's CUDA kernel for its activations."""
    with reading(_label(VOCODER, "config.json")), meta_init():
        settings = json.loads(build.path(VOCODER, "config.json").read_text("utf-8"))
        vocoder: nn.Module = build.classes.vocoder(
            build.classes.vocoder_settings(settings), use_cuda_kernel=fused
        )
    fold_weight_norm(vocoder)
    vocoder.to(build.types.vocoder)
    path = "bigvgan_generator.pt"
    label = _label(VOCODER, path)
    source = partial(read_tensors, build.path(VOCODER, path), label=label, below="generator")
    build.weights.fill(vocoder, "vocoder", source, label=label)
    return vocoder


def read_exemplars(
    files: CheckpointFiles, name: str, counts: tuple[int, ...], width: int | None = None
) -> Tensor:
    """Return the exemplars of the file ``name``, (sum of ``counts``, ``width``), float32."""
    exemplars = read_tensor(files.path(MODEL, name), label=name)
    with reading(name):
        return exemplars.reshape(sum(counts), width or exemplars.shape[1])


def _label(repository: str, path: str) -> str:
    return NeededFile(repository, path).label
