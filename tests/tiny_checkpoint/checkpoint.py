"""An IndexTTS-2 checkpoint with random weights and the real structure, tiny by default.

``python -m tests.tiny_checkpoint.checkpoint FOLDER`` writes it, as ``FOLDER/model`` and a hub cache
``FOLDER/hub``. Every tensor is drawn by numpy from its own name, so that two machines agree bit by
bit, and a tensor keeps its values when another is added.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from munch import munchify
from safetensors.torch import save_file
from torch import Tensor, nn

from adapters.indextts2.checkpoint_files import (
    SEMANTIC_CODEC,
    SPEAKER_ENCODER,
    SPEECH_ENCODER,
    VOCODER,
    WORDS_FOLDER,
)
from adapters.indextts2.upstream import ModelClasses, bare_package, import_model_classes
from tests.tiny_checkpoint.config import (
    EMOTION_EXEMPLARS,
)
from tests.tiny_checkpoint.sizes import TINY, Sizes
from tests.tiny_checkpoint.text_model import write_text_model
from tests.tiny_checkpoint.values import drawn, tensors_of
from tests.tiny_checkpoint.words_model import write_words_model

REVISION = "0" * 40


def write_checkpoint(folder: Path, sizes: Sizes = TINY) -> Path:
    """Write ``folder``/model and ``folder``/hub; return the model folder."""
    model = folder / "model"
    model.mkdir(parents=True)
    (model / "config.yaml").write_text(yaml.safe_dump(dict(sizes.model)))
    with bare_package():
        classes = import_model_classes()
        _write_language_model(model, classes, sizes)
        _write_mel_decoder(model, classes, sizes)
        _write_codec(folder, classes, sizes)
        _write_speaker_encoder(folder, classes, sizes)
        _write_vocoder(folder, classes, sizes)
    _write_speech_encoder(folder, sizes)
    _write_statistics(model, sizes)
    write_text_model(model / "bpe.model")
    write_words_model(model / WORDS_FOLDER)
    return model


def language_model(classes: ModelClasses, model: Mapping[str, Any], width: int) -> Any:
    """Build the package's language model for ``width`` features instead of its fixed 1024."""
    network = classes.language_model(**munchify(model["gpt"]))
    for encoder in (network.conditioning_encoder, network.emo_conditioning_encoder):
        channels = encoder.embed.out[0].out_features
        encoder.embed.out[0] = nn.Linear(channels * ((width - 1) // 2), channels)
    return network


def mel_decoder(classes: ModelClasses, model: Mapping[str, Any], width: int) -> Any:
    """Build the parts of the package's mel decoder, with latents mapped to ``width`` features."""
    parts = classes.mel_decoder(munchify(model["s2mel"]), use_gpt_latent=True).models
    parts["gpt_layer"] = nn.Sequential(
        nn.Linear(model["gpt"]["model_dim"], 256), nn.Linear(256, 128), nn.Linear(128, width)
    )
    return parts


def language_tensors(network: nn.Module, sizes: Sizes) -> dict[str, Tensor]:
    """Return the state dict of the language model in a checkpoint of these sizes."""
    tensors = tensors_of(network, "gpt")
    # The start code has no sound; like a trained model, this one must never generate it.
    tensors["mel_head.bias"][sizes.model["gpt"]["start_mel_token"]] = -1e4
    return tensors


def _write_language_model(model: Path, classes: ModelClasses, sizes: Sizes) -> None:
    network = language_model(classes, sizes.model, sizes.semantic_width)
    torch.save({"model": language_tensors(network, sizes)}, model / "gpt.pth")


def _write_mel_decoder(model: Path, classes: ModelClasses, sizes: Sizes) -> None:
    parts = mel_decoder(classes, sizes.model, sizes.semantic_width)
    net = {name: tensors_of(part, f"s2mel.{name}") for name, part in parts.items()}
    torch.save({"net": net}, model / "s2mel.pth")


def _write_codec(folder: Path, classes: ModelClasses, sizes: Sizes) -> None:
    codec = classes.semantic_codec(cfg=munchify(sizes.model["semantic_codec"]))
    path = _hub_path(folder, SEMANTIC_CODEC, "semantic_codec/model.safetensors")
    save_file(tensors_of(codec, "codec"), path)


def _write_speaker_encoder(folder: Path, classes: ModelClasses, sizes: Sizes) -> None:
    encoder = classes.speaker_encoder(feat_dim=80, embedding_size=192, **sizes.speaker_encoder)
    path = _hub_path(folder, SPEAKER_ENCODER, "campplus_cn_common.bin")
    torch.save(tensors_of(encoder, "campplus"), path)


def _write_vocoder(folder: Path, classes: ModelClasses, sizes: Sizes) -> None:
    vocoder = classes.vocoder(classes.vocoder_settings(sizes.vocoder))
    torch.save(
        {"generator": tensors_of(vocoder, "vocoder")},
        _hub_path(folder, VOCODER, "bigvgan_generator.pt"),
    )
    _hub_path(folder, VOCODER, "config.json").write_text(json.dumps(dict(sizes.vocoder)))


def _write_speech_encoder(folder: Path, sizes: Sizes) -> None:
    from transformers import Wav2Vec2BertConfig, Wav2Vec2BertModel

    encoder = Wav2Vec2BertModel(Wav2Vec2BertConfig(**sizes.speech_encoder))
    save_file(
        tensors_of(encoder, "speech"),
        _hub_path(folder, SPEECH_ENCODER, "model.safetensors"),
        metadata={"format": "pt"},
    )
    _hub_path(folder, SPEECH_ENCODER, "config.json").write_text(
        json.dumps({**sizes.speech_encoder, "architectures": ["Wav2Vec2BertModel"]})
    )
    _hub_path(folder, SPEECH_ENCODER, "preprocessor_config.json").write_text(
        json.dumps(
            {
                "feature_extractor_type": "SeamlessM4TFeatureExtractor",
                "feature_size": 80,
                "num_mel_bins": 80,
                "padding_side": "right",
                "padding_value": 1,
                "return_attention_mask": True,
                "sampling_rate": 16000,
                "stride": 2,
            }
        )
    )


def _write_statistics(model: Path, sizes: Sizes) -> None:
    zeros, ones = (
        np.zeros(sizes.semantic_width, np.float32),
        np.ones(sizes.semantic_width, np.float32),
    )
    torch.save(
        {"mean": torch.from_numpy(zeros), "var": torch.from_numpy(ones)},
        model / "wav2vec2bert_stats.pt",
    )
    width = sizes.model["gpt"]["model_dim"]
    torch.save(drawn("feat1", (EMOTION_EXEMPLARS, 192), 1.0), model / "feat1.pt")
    torch.save(drawn("feat2", (EMOTION_EXEMPLARS, width), 0.5), model / "feat2.pt")


def _hub_path(folder: Path, repository: str, path: str) -> Path:
    base = folder / "hub" / f"models--{repository.replace('/', '--')}"
    (base / "refs").mkdir(parents=True, exist_ok=True)
    (base / "refs" / "main").write_text(REVISION)
    file = base / "snapshots" / REVISION / path
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


if __name__ == "__main__":
    write_checkpoint(Path(sys.argv[1]))
