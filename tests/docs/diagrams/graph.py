"""Boxes with a few lines of text, and arrows between them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.docs.diagrams.layers import Edge, Places, place
from tests.docs.svg import Drawing, text_width

PADDING = 10.0
LINE_HEIGHT = 17.0
BETWEEN_COLUMNS = 70.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a box: its text and its class in the drawing's style sheet."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A box: its lines, and its class in the drawing's style sheet."""

    lines: tuple[Line, ...]
    style: str = "box"

    @property
    def width(self) -> float:
        """Pixels, from the estimated width of the longest line."""
        return 2 * PADDING + max(text_width(line.text, line.style) for line in self.lines)

    @property
    def height(self) -> float:
        """Pixels."""
        return 2 * PADDING + LINE_HEIGHT * len(self.lines) - 4


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from one node to another, and its class in the drawing's style sheet."""

    begin: str
    end: str
    style: str = "line"


def draw(
    drawing: Drawing, nodes: dict[str, Node], arrows: Sequence[Arrow], *, left: float, top: float
) -> None:
    """Draw the graph with its upper left corner at ``left`` and ``top``."""
    places = _places(nodes, arrows)
    begins, widths = _columns(places, nodes, left=left)
    column_of = {name: n for n, column in enumerate(places.columns) for name in column}
    for arrow in arrows:
        stations = [arrow.begin, *places.bends[arrow.begin, arrow.end], arrow.end]
        points = []
        for name in stations:
            column, y = column_of[name], top + places.middles[name]
            width = nodes[name].width if name in nodes else widths[column]
            points += [(begins[column], y), (begins[column] + width, y)]
        drawing.path(_curve(points[1:-1]), style=arrow.style, arrow=True)
    for name, node in nodes.items():
        x, y = begins[column_of[name]], top + places.middles[name] - node.height / 2
        drawing.box(x, y, node.width, node.height, style=node.style)
        for number, line in enumerate(node.lines):
            baseline = y + PADDING + 11 + number * LINE_HEIGHT
            drawing.text(x + PADDING, baseline, line.text, style=line.style)


def height_of(nodes: dict[str, Node], arrows: Sequence[Arrow]) -> float:
    """Return the height of the drawn graph in pixels."""
    middles = _places(nodes, arrows).middles
    return max(middles[name] + node.height / 2 for name, node in nodes.items())


def _places(nodes: dict[str, Node], arrows: Sequence[Arrow]) -> Places:
    edges: list[Edge] = list(dict.fromkeys((arrow.begin, arrow.end) for arrow in arrows))
    return place({name: node.height for name, node in nodes.items()}, edges)


def _columns(
    places: Places, nodes: dict[str, Node], *, left: float
) -> tuple[list[float], list[float]]:
    """Return where each column begins, and its width."""
    widths = [
        max((nodes[name].width for name in column if name in nodes), default=0.0)
        for column in places.columns
    ]
    begins = [left]
    for width in widths:
        begins.append(begins[-1] + width + BETWEEN_COLUMNS)
    return begins, widths


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Return a path that leaves a column and enters the next one horizontally."""
    (x, y), *rest = points
    commands = [f"M{x:g} {y:g}"]
    for number, (to_x, to_y) in enumerate(rest):
        if number % 2 or y == to_y:
            commands.append(f"L{to_x:g} {to_y:g}")
        else:
            middle = round((x + to_x) / 2, 1)
            commands.append(f"C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}")
        x, y = to_x, to_y
    return " ".join(commands)
