"""Checkpoints that a test may spoil."""

import os
import shutil
from pathlib import Path


def copied_checkpoint(checkpoint: Path, folder: Path) -> Path:
    """A copy of the model folder and its hub cache below ``folder``; answers the model folder.

    Files are hard links: a test must replace them, never write into them.
    """
    for name in ("model", "hub"):
        shutil.copytree(checkpoint.parent / name, folder / name, copy_function=os.link)
    return folder / "model"


def replaced(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)
