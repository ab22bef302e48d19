"""The computed need of memory against the networks themselves, in their published sizes."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from munch import munchify
from torch import nn

from adapters.indextts2.checkpoint_files import SPEAKER_ENCODER, VOCODER, CheckpointFiles
from adapters.indextts2.devices import Precision
from adapters.indextts2.engine.assembly import number_types
from adapters.indextts2.memory_need import WEIGHT_BYTES
from adapters.indextts2.upstream import bare_package, import_model_classes
from adapters.indextts2.weights import builders
from adapters.indextts2.weights.converted import ConvertedWeights
from tests.tiny_checkpoint.sizes import FULL


class Counted:
    """Stands where the networks are filled, and counts the bytes that they will take."""

    def __init__(self) -> None:
        self.size = 0

    def fill(self, network: nn.Module, *_: object, unused: tuple[str, ...] = (), **__: Any) -> None:
        tensors = [*network.named_parameters(), *network.named_buffers()]
        self.size += sum(
            tensor.nbytes for name, tensor in tensors if not (unused and name.startswith(unused))
        )


@pytest.fixture
def sizes(tmp_path: Path) -> CheckpointFiles:
    """Return the files from which the builders read sizes; there are no weights."""
    vocoder, speaker = tmp_path / VOCODER, tmp_path / SPEAKER_ENCODER
    for folder in (vocoder, speaker):
        folder.mkdir(parents=True)
    (vocoder / "config.json").write_text(json.dumps(dict(FULL.vocoder)))
    growth = FULL.speaker_encoder["growth_rate"]
    rows = {
        "block1.tdnnd1.cam_layer.linear_local": growth,
        "block1.tdnnd1.linear1": growth * FULL.speaker_encoder["bn_size"],
        "tdnn.linear": FULL.speaker_encoder["init_channels"],
    }
    torch.save(
        {f"xvector.{name}.weight": torch.zeros(count, 1) for name, count in rows.items()},
        speaker / "campplus_cn_common.bin",
    )
    return CheckpointFiles(tmp_path)


@pytest.mark.parametrize("precision", [Precision.FULL, Precision.HALF])
def test_the_need_counts_what_the_published_networks_take(
    sizes: CheckpointFiles, precision: Precision
) -> None:
    counted, config = Counted(), munchify(dict(FULL.model))
    with bare_package():
        build = builders.Construction(
            files=sizes,
            classes=import_model_classes(),
            weights=cast("ConvertedWeights", counted),
            types=number_types(precision),
        )
        builders.build_language_model(build, config, FULL.semantic_width)
        builders.build_mel_decoder(build, config, FULL.semantic_width)
        builders.build_speech_encoder(
            build, {**FULL.speech_encoder, "num_hidden_layers": builders.ENCODER_LAYERS}
        )
        builders.build_codec(build, config)
        builders.build_speaker_encoder(build, config)
        builders.build_vocoder(build, fused=False)

    assert WEIGHT_BYTES[precision] == pytest.approx(counted.size, rel=0.001)
