"""A rule about value objects that no linter has."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARRAYS = {"Tensor", "Samples", "NDArray", "ndarray"}


def dataclasses_with_arrays() -> dict[str, bool]:
    """The dataclasses that hold an array, and whether they compare by identity."""
    found: dict[str, bool] = {}
    for layer in ("domain", "application", "adapters", "entrypoints"):
        for path in (ROOT / layer).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and (options := dataclass_options(node)):
                    fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
                    if any(ARRAYS & names_in(each.annotation) for each in fields):
                        found[f"{path.name} {node.name}"] = "eq=False" in options
    return found


def dataclass_options(node: ast.ClassDef) -> str:
    written = (ast.unparse(decorator) for decorator in node.decorator_list)
    return next((each for each in written if each.startswith("dataclass")), "")


def names_in(annotation: ast.expr) -> set[str]:
    return {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(annotation)}


@pytest.mark.parametrize(("name", "is_by_identity"), dataclasses_with_arrays().items())
def test_a_value_that_holds_an_array_equals_itself_only(name: str, is_by_identity: bool) -> None:
    assert is_by_identity, f"{name}: == and hash of an array raise; say eq=False"
