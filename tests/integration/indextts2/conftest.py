from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra indextts is not installed")

from adapters.indextts2.model import IndexTTS2Model
from tests.tiny_checkpoint.checkpoint import write_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder of the tiny checkpoint; its hub cache lies beside it."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="session")
def model(checkpoint: Path) -> Iterator[IndexTTS2Model]:
    """The tiny model, loaded once for all tests; keeps nothing on disk."""
    loaded = IndexTTS2Model(checkpoints_dir=checkpoint, device="cpu", use_grammars=False)
    loaded.load()
    yield loaded
