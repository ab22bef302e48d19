"""The package's own networks with the tiny checkpoint's weights, as the package would load them."""

import json
from pathlib import Path
from typing import Any

import torch
from munch import munchify

from adapters.indextts2.checkpoint_files import VOCODER, CheckpointFiles
from adapters.indextts2.upstream import bare_package, import_model_classes
from tests.tiny_checkpoint.config import MODEL_CONFIG


def package_flow(checkpoint: Path) -> Any:
    """The estimator of ``s2mel.pth``, weight norm and all."""
    with bare_package():
        classes = import_model_classes()
        flow: Any = classes.mel_decoder(munchify(MODEL_CONFIG["s2mel"]), use_gpt_latent=True)
    cfm = flow.models["cfm"]
    cfm.load_state_dict(torch.load(checkpoint / "s2mel.pth")["net"]["cfm"])
    cfm.eval().requires_grad_(False)
    cfm.estimator.setup_caches(max_batch_size=1, max_seq_length=8)
    return cfm.estimator


def package_vocoder(checkpoint: Path) -> Any:
    folder = CheckpointFiles(checkpoint).folder(VOCODER)
    with bare_package():
        classes = import_model_classes()
        settings = json.loads((folder / "config.json").read_text())
        vocoder: Any = classes.vocoder(classes.vocoder_settings(settings))
    vocoder.load_state_dict(torch.load(folder / "bigvgan_generator.pt")["generator"])
    return vocoder.eval().requires_grad_(False)
