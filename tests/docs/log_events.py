"""The events that the product logs, read from its source."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.pages import ROOT

_LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
_LAYERS = ("domain", "application", "adapters", "entrypoints")
_LOGGERS = {"log", "_log"}

TIMED = "run_and_log"
"""The function that logs an event, or ``<event>_failed``; its fields are those of a result."""


@dataclass
class Event:
    """An event: its levels, its fields, and where it is logged.

    ``is_open`` says that it has fields which the source does not name.
    """

    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    places: list[str] = field(default_factory=list)
    is_open: bool = False


def events() -> dict[str, Event]:
    """Return every event by its name.

    Raises:
        ValueError: an event's name is no constant, so that no page can be held against it.
    """
    found: dict[str, Event] = {}
    for path in sorted(path for layer in _LAYERS for path in (ROOT / layer).rglob("*.py")):
        for name, event in _events_of(path):
            known = found.setdefault(name, Event())
            known.levels |= event.levels
            known.fields |= event.fields
            known.places += event.places
            known.is_open |= event.is_open
    return found


def _events_of(path: Path) -> Iterator[tuple[str, Event]]:
    tree = ast.parse(path.read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name == TIMED
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call | ast.Dict):
            continue
        place = f"{path.relative_to(ROOT)}:{node.lineno}"
        if isinstance(node, ast.Dict):
            yield from _written(node, place)
        elif _is_timed(node):
            name = _first_string(node, place)
            yield name, Event({"info"}, {"took"}, [place], is_open=True)
            yield f"{name}_failed", Event({"error"}, {"error"}, [place], is_open=True)
        elif _is_logged(node) and id(node) not in inside:
            yield _logged(node, place)


def _logged(call: ast.Call, place: str) -> tuple[str, Event]:
    assert isinstance(call.func, ast.Attribute)
    level = "error" if call.func.attr == "exception" else call.func.attr
    names = [keyword.arg for keyword in call.keywords]
    return _constant(call.args[0] if call.args else None, place), Event(
        {level}, {name for name in names if name}, [place], is_open=None in names
    )


def _written(line: ast.Dict, place: str) -> Iterator[tuple[str, Event]]:
    """Yield the event of a line that is written without the logger, at the level ``info``."""
    values = {
        key.value: value
        for key, value in zip(line.keys, line.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    if "event" in values:
        fields = set(values) - {"event", "level", "timestamp"}
        yield _constant(values["event"], place), Event({"info"}, fields, [place])


def _is_logged(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _LEVELS:
        return False
    logger = call.func.value
    name = (
        logger.id
        if isinstance(logger, ast.Name)
        else logger.attr
        if isinstance(logger, ast.Attribute)
        else ""
    )
    return name in _LOGGERS


def _is_timed(call: ast.Call) -> bool:
    """Return whether ``TIMED`` is called, or handed to a thread with its arguments."""
    targets = (call.func, *(keyword.value for keyword in call.keywords if keyword.arg == "target"))
    return any(isinstance(target, ast.Name) and target.id == TIMED for target in targets)


def _first_string(call: ast.Call, place: str) -> str:
    for keyword in call.keywords:
        if keyword.arg == "args" and isinstance(keyword.value, ast.Tuple):
            return _constant(keyword.value.elts[0], place)
    return _constant(call.args[0] if call.args else None, place)


def _constant(node: ast.expr | None, place: str) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ValueError(f"{place}: name the event by a constant, so that the reference can list it")
