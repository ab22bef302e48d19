"""Where the service runs, from docs/diagrams/deployments.toml: one small graph for each way."""

import tomllib
from pathlib import Path

from tests.docs.diagrams.graph import Arrow, Line, Node, draw, height_of
from tests.docs.svg import Drawing

SOURCE = Path(__file__).parents[3] / "docs" / "diagrams" / "deployments.toml"
_STYLES = {"person": "plain", "service": "amber", "worker": "green", "data": "blue"}


def render() -> str:
    """Return the diagram as SVG."""
    source = tomllib.loads(SOURCE.read_text())
    drawing = Drawing(title="Deployments", description=source["description"])
    top = 28.0
    for place in source["deployments"]:
        drawing.text(20, top, place["title"], style="title")
        drawing.text(20, top + 20, place["says"], style="small")
        nodes = {
            name: Node(
                (Line(first, "bold"), *(Line(line, "small") for line in rest)), _STYLES[kind]
            )
            for name, (kind, first, *rest) in place["nodes"].items()
        }
        arrows = [Arrow(begin, end) for begin, end in place.get("arrows", ())]
        arrows += [Arrow(begin, end, "line dashed") for begin, end in place.get("choices", ())]
        draw(drawing, nodes, arrows, left=20, top=top + 40)
        top += 40 + height_of(nodes, arrows) + 50
    return drawing.render()
