"""Upstream's networks with the weights of the tiny checkpoint, loaded as upstream loads them."""

import json
from pathlib import Path
from typing import Any

import torch
from munch import munchify

from adapters.indextts2.checkpoint_files import VOCODER, CheckpointFiles
from adapters.indextts2.upstream import bare_package, import_model_classes
from tests.tiny_checkpoint.config import MODEL_CONFIG


def upstream_flow(checkpoint: Path) -> Any:
    """Return the velocity estimator of ``s2mel.pth``, with its weight norm."""
    with bare_package():
        classes = import_model_classes()
        flow: Any = classes.mel_decoder(munchify(MODEL_CONFIG["s2mel"]), use_gpt_latent=True)
    cfm = flow.models["cfm"]
    cfm.load_state_dict(torch.load(checkpoint / "s2mel.pth")["net"]["cfm"])
    cfm.eval().requires_grad_(False)
    cfm.estimator.setup_caches(max_batch_size=1, max_seq_length=8)
    return cfm.estimator


def upstream_vocoder(checkpoint: Path) -> Any:
    """Return the BigVGAN network, with its weight norm."""
    folder = CheckpointFiles(checkpoint).folder(VOCODER)
    with bare_package():
        classes = import_model_classes()
        settings = json.loads((folder / "config.json").read_text())
        vocoder: Any = classes.vocoder(classes.vocoder_settings(settings))
    vocoder.load_state_dict(torch.load(folder / "bigvgan_generator.pt")["generator"])
    return vocoder.eval().requires_grad_(False)
