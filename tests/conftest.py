from pathlib import Path

import pytest
from filelock import FileLock


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The model folder of the tiny checkpoint; its hub cache lies beside it.

    All processes of a test run share it, so no test may change it: see ``copied_checkpoint``.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "checkpoint"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            from tests.tiny_checkpoint.checkpoint import write_checkpoint

            unfinished = folder.with_suffix(".part")
            write_checkpoint(unfinished)
            unfinished.rename(folder)
    return folder / "model"
