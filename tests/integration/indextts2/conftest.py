from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra indextts is not installed")

from adapters.indextts2.engine import Stages
from adapters.indextts2.model import IndexTTS2Model
from tests.integration.indextts2.golden_runs import golden_stages
from tests.tiny_checkpoint.checkpoint import write_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder of the tiny checkpoint; its hub cache lies beside it."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="session")
def model(checkpoint: Path) -> IndexTTS2Model:
    """The tiny model, loaded once for all tests; keeps nothing on disk."""
    loaded = IndexTTS2Model(checkpoints_dir=checkpoint, device="cpu", use_grammars=False)
    loaded.load()
    return loaded


@pytest.fixture(scope="session")
def stages(checkpoint: Path) -> Stages:
    """The stages of the tiny model, one segment at a time, with the package's own chance."""
    return golden_stages(checkpoint)
