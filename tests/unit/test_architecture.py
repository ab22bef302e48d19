"""Rules about modules that import-linter has no contract for."""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ("domain", "application", "adapters", "entrypoints")
LOADED_LATER = re.compile(
    r"adapters/indextts2/(\w+/|noise\.py)|adapters/pyav/(child|recording)\.py"
    r"|entrypoints/ray_app\.py"
)
"""Modules that import torch, PyAV or Ray at their top: the engine's, which ``IndexTTS2Model``
imports when it loads, the program of the decoding process, and that of Ray's replicas."""
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for layer in LAYERS
    for path in (ROOT / layer).rglob("*.py")
    if path.name != "__init__.py" and not LOADED_LATER.match(str(path.relative_to(ROOT)))
)
HEAVY = (
    "av",
    "boto3",
    "hibari",
    "huggingface_hub",
    "indextts",
    "onnxruntime",
    "runpod",
    "torch",
    "transformers",
)


def imported(path: Path) -> set[str]:
    """The top-level names of everything that ``path`` imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize(
    ("layer", "allowed"),
    [
        ("domain", {"domain", "numpy", "regex", "sentencex"}),
        ("application", {"application", "domain", "numpy"}),
    ],
)
def test_the_core_imports_nothing_but_what_is_listed(layer: str, allowed: set[str]) -> None:
    for path in (ROOT / layer).rglob("*.py"):
        assert imported(path) - set(sys.stdlib_module_names) <= allowed, path.name


def test_no_other_distribution_claims_a_layers_name() -> None:
    owners = packages_distributions()

    for layer in LAYERS:
        assert set(owners.get(layer, [])) <= {"indextts-runpod"}


def test_importing_every_module_loads_nothing_heavy() -> None:
    program = (
        "import importlib, sys\n"
        f"for module in {MODULES!r}: importlib.import_module(module)\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == []


def test_packages_have_nothing_in_their_init() -> None:
    for layer in LAYERS:
        for path in (ROOT / layer).rglob("__init__.py"):
            assert path.read_text() == "", path
