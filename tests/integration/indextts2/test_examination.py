import sys
from pathlib import Path

import pytest

from adapters.indextts2.checkpoint_files import CheckpointFiles
from adapters.indextts2.examination import IndexTTS2Examination
from adapters.indextts2.options import EngineOptions
from application.ports.examination import Examined, Mark
from tests.contracts.examined import ExaminedContract


@pytest.fixture
def examination(tmp_path: Path) -> IndexTTS2Examination:
    """Return the examination of an engine without weights."""
    return IndexTTS2Examination(
        options=EngineOptions(checkpoints_dir=tmp_path, device="cpu"),
        files=CheckpointFiles(tmp_path),
    )


class TestWithoutTorch(ExaminedContract):
    @pytest.fixture
    def broken(
        self, examination: IndexTTS2Examination, monkeypatch: pytest.MonkeyPatch
    ) -> Examined:
        monkeypatch.setitem(sys.modules, "torch", None)
        return examination


def test_a_torch_that_does_not_load_is_told_in_its_own_words(
    examination: IndexTTS2Examination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so.13: cannot open')")
    monkeypatch.syspath_prepend(tmp_path)

    found = {finding.subject: finding for finding in examination.examine()}

    assert found["torch"].mark is Mark.PROBLEM
    assert found["torch"].found == "does not import: OSError: libcudart.so.13: cannot open"
    assert "model package" not in found
    assert found["weights IndexTeam/IndexTTS-2"].mark is Mark.PROBLEM
