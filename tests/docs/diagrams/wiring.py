"""The container's providers and what each is made of, read from the container itself."""

import ast
import inspect
from typing import Any

from dependency_injector import providers
from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import Provider

from entrypoints.container import Container
from tests.docs.diagrams.graph import Arrow, Line, Node, draw
from tests.docs.svg import Drawing, text_width

_SETTINGS = "settings"
_STYLES = {"adapters": "blue", "application": "green", "entrypoints": "amber"}
_OTHER = "plain"
_DESCRIPTION = (
    "Each box is a provider of the container, with its port, its class, and the number of settings"
    " that it reads. An arrow leads from a provider to one that is handed to it."
)


def render(container: type[DeclarativeContainer] = Container) -> str:
    """Return the diagram of ``container`` as SVG."""
    drawing = Drawing(title="The wiring of the container", description=_DESCRIPTION)
    drawing.text(20, 28, "What the container makes, and what it makes it of", style="title")
    nodes, arrows = _graph(container)
    _legend(drawing, nodes)
    draw(drawing, nodes, arrows, left=20, top=80)
    return drawing.render()


def _legend(drawing: Drawing, nodes: dict[str, Node]) -> None:
    x = 20.0
    for name, style in (*_STYLES.items(), ("selector, table, function", _OTHER)):
        if all(node.style != style for node in nodes.values()):
            continue
        drawing.box(x, 44, 14, 14, style=style)
        drawing.text(x + 20, 56, name, style="small")
        x += 50 + text_width(name, "small")
    drawing.text(x, 56, "dashed: one of these, selected by a setting", style="small")


def _graph(container: type[DeclarativeContainer]) -> tuple[dict[str, Node], list[Arrow]]:
    names = {id(provider): name for name, provider in container.providers.items()}
    ports = _ports()
    nodes: dict[str, Node] = {}
    arrows: list[Arrow] = []
    for name, provider in container.providers.items():
        if name == _SETTINGS:
            continue
        used = _used(provider, names)
        settings = sum(other == _SETTINGS for other in used)
        nodes[name] = _node(name, ports.get(name), provider, settings)
        style = "line dashed" if isinstance(provider, providers.Selector) else "line"
        others = dict.fromkeys(other for other in used if other != _SETTINGS)
        arrows += [Arrow(name, other, style) for other in others]
    return nodes, arrows


def _used(provider: Provider[Any], names: dict[int, str]) -> list[str]:
    """Return the names of what ``provider`` is given, through attributes and unnamed providers."""
    found = []
    for other in provider.related:
        name = names.get(id(other))
        found += [name] if name else _used(other, names)
    return found


def _ports() -> dict[str, str]:
    """Return the type that each provider is annotated with; only the source has it."""
    body = ast.walk(ast.parse(inspect.getsource(Container)))
    return {
        line.target.id: ast.unparse(line.annotation.slice)
        for line in body
        if isinstance(line, ast.AnnAssign)
        and isinstance(line.target, ast.Name)
        and isinstance(line.annotation, ast.Subscript)
    }


def _node(name: str, port: str | None, provider: Provider[Any], settings: int) -> Node:
    lines = [Line(name, "bold")]
    made = getattr(provider, "provides", None)
    own = made.__name__ if isinstance(made, type) else None
    words = dict.fromkeys(word for word in (own, port) if word)
    if words:
        lines.append(Line(" as ".join(words), "code"))
    if settings:
        lines.append(Line(f"reads {settings} setting{'s' if settings > 1 else ''}", "small"))
    layer = made.__module__.partition(".")[0] if own else ""
    return Node(tuple(lines), _STYLES.get(layer, _OTHER))
