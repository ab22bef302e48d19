"""Imports of the model's package that may fail, on packages made by the test."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from adapters.indextts2.stand_ins import StandIn, lenient_imports
from domain.errors import ModelUnavailable

Import = Callable[..., ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Return a function that writes modules of the package ``voices`` and imports the first."""
    folder = tmp_path / "voices"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def load(**modules: str) -> ModuleType:
        for name, code in modules.items():
            (folder / f"{name}.py").write_text(code)
        importlib.invalidate_caches()
        with lenient_imports("voices", unused=("voices.copied",)):
            return importlib.import_module(f"voices.{next(iter(modules))}")

    yield load
    for name in [name for name in sys.modules if name.partition(".")[0] == "voices"]:
        del sys.modules[name]


MANY_USES = """
import json
import nowhere, os
import nowhere.deep as deep
from json import dumps, gone as missing
from nowhere.else_ import Base, bind

nowhere.ml.Base.NAMES += ["x"]

class Child(Base):
    @bind(group="x")
    def method(self, x: missing | None = None, y: "int | Base" = 0) -> deep.Thing[int]:
        return x

def speak():
    return dumps([1])
"""


def test_a_module_works_but_for_what_cannot_be_imported(load: Import) -> None:
    module = load(speech=MANY_USES)

    assert module.speak() == "[1]"
    assert "nowhere" not in sys.modules


@pytest.mark.parametrize(
    ("use", "name"),
    [
        (lambda module: module.missing(), "json.gone"),
        (lambda module: module.Child(), "nowhere.else_.Base"),
        (lambda module: module.deep.Thing(), "nowhere.deep.Thing"),
    ],
    ids=["called", "subclassed", "an attribute called"],
)
def test_a_stand_in_that_is_used_later_is_refused_by_name(
    load: Import, use: Callable[[ModuleType], object], name: str
) -> None:
    module = load(speech=MANY_USES)

    with pytest.raises(ModelUnavailable, match=f"needs {name}, which cannot be imported here"):
        use(module)


def test_nothing_of_an_unused_module_is_run(load: Import) -> None:
    module = load(speech="from voices.copied_code import Mixin", copied_code="raise SystemExit")

    assert isinstance(module.Mixin, StandIn)


def test_a_missing_module_of_the_package_itself_is_an_error(load: Import) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"voices\.nothing"):
        load(speech="import nowhere\nfrom voices.nothing import X")


def test_an_import_that_the_module_expects_to_fail_does(load: Import) -> None:
    module = load(
        speech="import nowhere\ntry:\n    import also_nowhere\nexcept ImportError:\n    found = 0"
    )

    assert module.found == 0


def test_a_library_that_does_not_load_is_replaced(load: Import, tmp_path: Path) -> None:
    (tmp_path / "broken_library.py").write_text("raise OSError('libcudart.so: cannot open')")

    assert isinstance(load(speech="import broken_library").broken_library, StandIn)


def test_modules_of_others_are_imported_as_usual(load: Import, tmp_path: Path) -> None:
    (tmp_path / "other_library.py").write_text("import nowhere")

    assert isinstance(load(speech="import other_library").other_library, StandIn)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("other_library")
