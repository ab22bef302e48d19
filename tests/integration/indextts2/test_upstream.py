"""The package's modules are had without its front door, and without harm to anybody else."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from adapters.indextts2.model import IndexTTS2Model
from adapters.indextts2.options import EngineOptions
from adapters.indextts2.upstream import bare_package, import_model_classes, missing_packages
from application.ports.speech_model import ModelState
from domain.errors import ModelUnavailable
from tests.models.indextts2.original_package import write_original_package

LOAD = """
import sys
from pathlib import Path
from adapters.indextts2.model import IndexTTS2Model
from adapters.indextts2.options import EngineOptions

options = EngineOptions(checkpoints_dir=Path(sys.argv[1]), device="cpu", use_grammars=False)
model = IndexTTS2Model(options=options)
"""
LOOK_AT_TORCHAUDIO = """
model.load()
print(sys.modules["torchaudio"].ORIGIN, "indextts" in sys.modules)
"""
REPORT_ERROR = """
from domain.errors import ModelUnavailable
try:
    model.load()
except ModelUnavailable as error:
    print(error.message)
"""
SPEAK_GOLDEN_CASE = """
import inspect, json, sys
from pathlib import Path
import numpy as np
from adapters.indextts2.upstream import bare_package, import_model_classes
from tests.models.indextts2.golden_runs import golden_engine, in_steps, run_case, with_stop
from tests.tiny_checkpoint.voices import recording

folder = Path("tests/integration/indextts2/golden")
case = json.loads((folder / "cases.json").read_text())["beams"]
golden = np.load(folder / "beams.npz")
voices = {"high": recording("high", 220.0, rate_hz=44100)}
run = run_case(golden_engine(Path(sys.argv[1])), case, voices)
for index, codes in enumerate(run.codes):
    assert with_stop(codes, 129) == golden[f"codes_{index}"].tolist()
    np.testing.assert_allclose(in_steps(run.waves[index]), golden[f"wave_{index}"], atol=2)
with bare_package():
    print(len(run.codes), inspect.getfile(import_model_classes().language_model))
"""


def test_everything_needed_is_installed() -> None:
    assert missing_packages() == ()


@pytest.mark.parametrize("name", ["torch", "indextts", "sentencepiece"])
def test_a_missing_package_is_a_state_of_its_own(
    checkpoint: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    model = IndexTTS2Model(options=EngineOptions(checkpoints_dir=checkpoint, device="cpu"))
    assert model.status().state is ModelState.MISSING_PACKAGE
    with pytest.raises(ModelUnavailable, match=name):
        model.load()


def test_a_package_that_does_not_import_is_named(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "adapters.indextts2.engine.assembly", raising=False)
    monkeypatch.setitem(sys.modules, "adapters.indextts2.vocoder.windowed", None)
    with pytest.raises(ModelUnavailable, match="is missing or broken"):
        IndexTTS2Model(options=EngineOptions(checkpoints_dir=checkpoint, device="cpu")).load()


def test_leaves_a_working_torchaudio_in_place(checkpoint: Path, tmp_path: Path) -> None:
    _install_torchaudio(tmp_path, "ORIGIN = 'installed'")
    assert _run(LOAD + LOOK_AT_TORCHAUDIO, checkpoint, tmp_path) == "installed False"


def test_a_torchaudio_that_does_not_load_is_named(checkpoint: Path, tmp_path: Path) -> None:
    _install_torchaudio(tmp_path, "raise OSError('libcudart.so.12: cannot open')")
    message = _run(LOAD + REPORT_ERROR, checkpoint, tmp_path)
    assert message.startswith("torchaudio is installed but does not load")


def test_the_bare_parent_exists_inside_the_block_only() -> None:
    with bare_package():
        assert not hasattr(sys.modules["indextts"], "IndexTTS2")
        import_model_classes()
    assert "indextts" not in sys.modules


def test_the_layout_of_the_original_index_tts_speaks_a_golden_case(
    checkpoint: Path, tmp_path: Path
) -> None:
    model = write_original_package(tmp_path) / "gpt" / "model_v2.py"

    count, file = _run(SPEAK_GOLDEN_CASE, checkpoint, tmp_path).split(" ", 1)

    assert (int(count) > 0, file) == (True, str(model))


def test_the_check_names_the_package_that_the_classes_come_from(tmp_path: Path) -> None:
    done = _check(tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"the model's classes come from indextts2-inference {version('indextts2-inference')}\n"
    )


def test_the_check_tells_in_one_line_why_a_fork_does_not_import(tmp_path: Path) -> None:
    (tmp_path / "indextts" / "gpt").mkdir(parents=True)
    (tmp_path / "indextts" / "__init__.py").touch()
    (tmp_path / "indextts" / "gpt" / "model_v2.py").write_text("from indextts.gpt.new import X")

    done = _check(tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"the package indextts from {tmp_path} cannot be used:"
        " ModuleNotFoundError: No module named 'indextts.gpt.new'\n"
    )


def _check(site: Path) -> subprocess.CompletedProcess[str]:
    """Run the check of the model's package where ``site`` is the first package folder."""
    return subprocess.run(
        [sys.executable, "-m", "adapters.indextts2.upstream"],
        env={**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{Path.cwd()}"},
        capture_output=True,
        text=True,
        check=False,
    )


def _install_torchaudio(folder: Path, code: str) -> None:
    (folder / "torchaudio").mkdir()
    (folder / "torchaudio" / "__init__.py").write_text(code)
    (folder / "torchaudio-2.9.dist-info").mkdir()
    (folder / "torchaudio-2.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: torchaudio\nVersion: 2.9\n"
    )


def _run(program: str, checkpoint: Path, site: Path) -> str:
    """Return the last line that ``program`` prints where ``site`` is one more package folder."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(checkpoint)],
        env={**os.environ, "PYTHONPATH": f"{Path.cwd()}{os.pathsep}{site}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]
