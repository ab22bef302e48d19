"""A whole IndexTTS-2 checkpoint of about 10 MB: random weights, real structure, seconds to make.

``python -m tests.tiny_checkpoint.checkpoint FOLDER`` writes it, as ``FOLDER/model`` and a hub cache
``FOLDER/hub``. Every tensor is drawn by numpy from its own name, so that two machines agree bit by
bit and a tensor keeps its values when another is added.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from munch import munchify
from safetensors.torch import save_file
from torch import nn

from adapters.indextts2.checkpoint_files import (
    SEMANTIC_CODEC,
    SPEAKER_ENCODER,
    SPEECH_ENCODER,
    VOCODER,
    WORDS_FOLDER,
)
from adapters.indextts2.package import ModelClasses, bare_package, import_model_classes
from tests.tiny_checkpoint.config import (
    EMOTION_EXEMPLARS,
    MODEL_CONFIG,
    SEMANTIC_WIDTH,
    SPEECH_ENCODER_CONFIG,
    VOCODER_CONFIG,
)
from tests.tiny_checkpoint.text_model import write_text_model
from tests.tiny_checkpoint.values import drawn, tensors_of
from tests.tiny_checkpoint.words_model import write_words_model

REVISION = "0" * 40


def write_checkpoint(folder: Path) -> Path:
    """Write ``folder``/model and ``folder``/hub; answers the model folder."""
    model = folder / "model"
    model.mkdir(parents=True)
    (model / "config.yaml").write_text(yaml.safe_dump(MODEL_CONFIG))
    with bare_package():
        classes = import_model_classes()
        _write_language_model(model, classes)
        _write_mel_decoder(model, classes)
        _write_codec(folder, classes)
        _write_speaker_encoder(folder, classes)
        _write_vocoder(folder, classes)
    _write_speech_encoder(folder)
    _write_statistics(model)
    write_text_model(model / "bpe.model")
    write_words_model(model / WORDS_FOLDER)
    return model


def _write_language_model(model: Path, classes: ModelClasses) -> None:
    network: Any = classes.language_model(**munchify(MODEL_CONFIG["gpt"]))
    for encoder in (network.conditioning_encoder, network.emo_conditioning_encoder):
        channels = encoder.embed.out[0].out_features
        encoder.embed.out[0] = nn.Linear(channels * ((SEMANTIC_WIDTH - 1) // 2), channels)
    tensors = tensors_of(network, "gpt")
    # The start code has no sound: a trained model never says it, and this one must not either.
    tensors["mel_head.bias"][MODEL_CONFIG["gpt"]["start_mel_token"]] = -1e4
    torch.save({"model": tensors}, model / "gpt.pth")


def _write_mel_decoder(model: Path, classes: ModelClasses) -> None:
    parts: Any = classes.mel_decoder(munchify(MODEL_CONFIG["s2mel"]), use_gpt_latent=True).models
    width = MODEL_CONFIG["gpt"]["model_dim"]
    parts["gpt_layer"] = nn.Sequential(
        nn.Linear(width, 256), nn.Linear(256, 128), nn.Linear(128, SEMANTIC_WIDTH)
    )
    net = {name: tensors_of(part, f"s2mel.{name}") for name, part in parts.items()}
    torch.save({"net": net}, model / "s2mel.pth")


def _write_codec(folder: Path, classes: ModelClasses) -> None:
    codec = classes.semantic_codec(cfg=munchify(MODEL_CONFIG["semantic_codec"]))
    path = _hub_path(folder, SEMANTIC_CODEC, "semantic_codec/model.safetensors")
    save_file(tensors_of(codec, "codec"), path)


def _write_speaker_encoder(folder: Path, classes: ModelClasses) -> None:
    encoder = classes.speaker_encoder(
        feat_dim=80, embedding_size=192, growth_rate=4, bn_size=1, init_channels=8
    )
    path = _hub_path(folder, SPEAKER_ENCODER, "campplus_cn_common.bin")
    torch.save(tensors_of(encoder, "campplus"), path)


def _write_vocoder(folder: Path, classes: ModelClasses) -> None:
    vocoder = classes.vocoder(classes.vocoder_settings(VOCODER_CONFIG))
    torch.save(
        {"generator": tensors_of(vocoder, "vocoder")},
        _hub_path(folder, VOCODER, "bigvgan_generator.pt"),
    )
    _hub_path(folder, VOCODER, "config.json").write_text(json.dumps(VOCODER_CONFIG))


def _write_speech_encoder(folder: Path) -> None:
    from transformers import Wav2Vec2BertConfig, Wav2Vec2BertModel

    encoder = Wav2Vec2BertModel(Wav2Vec2BertConfig(**SPEECH_ENCODER_CONFIG))
    save_file(
        tensors_of(encoder, "speech"),
        _hub_path(folder, SPEECH_ENCODER, "model.safetensors"),
        metadata={"format": "pt"},
    )
    _hub_path(folder, SPEECH_ENCODER, "config.json").write_text(
        json.dumps({**SPEECH_ENCODER_CONFIG, "architectures": ["Wav2Vec2BertModel"]})
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


def _write_statistics(model: Path) -> None:
    zeros, ones = np.zeros(SEMANTIC_WIDTH, np.float32), np.ones(SEMANTIC_WIDTH, np.float32)
    torch.save(
        {"mean": torch.from_numpy(zeros), "var": torch.from_numpy(ones)},
        model / "wav2vec2bert_stats.pt",
    )
    width = MODEL_CONFIG["gpt"]["model_dim"]
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
