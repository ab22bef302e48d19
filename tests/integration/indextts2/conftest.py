import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from adapters.indextts2.options import EngineOptions

if TYPE_CHECKING:
    from adapters.indextts2.engine.engine import Engine
    from adapters.indextts2.model import IndexTTS2Model

# Tensors this small are done before a second thread is awake, and on a busy machine both wait.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # the same in programs that tests start


@pytest.fixture(scope="session")
def model(checkpoint: Path) -> "IndexTTS2Model":
    """Return the tiny model, loaded once for all tests; it keeps nothing on disk."""
    from adapters.indextts2.model import IndexTTS2Model

    loaded = IndexTTS2Model(
        options=EngineOptions(checkpoints_dir=checkpoint, device="cpu", use_grammars=False)
    )
    loaded.load()
    return loaded


@pytest.fixture(scope="session")
def engine(checkpoint: Path) -> "Engine":
    """Return the tiny model's engine: one segment at a time, the package's random numbers."""
    from tests.models.indextts2.golden_runs import golden_engine

    return golden_engine(checkpoint)
