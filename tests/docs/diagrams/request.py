"""A request's way in numbered steps, from docs/diagrams/request.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.docs.svg import Drawing, text_width

SOURCE = Path(__file__).parents[3] / "docs" / "diagrams" / "request.toml"
_TOP, _ROW, _LANE, _LEFT = 110, 40, 128, 90
_STYLES = {"both": "box", "batch": "green", "stream": "amber"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: from one lane to another, or within one."""

    number: int
    begin: str
    end: str
    says: str
    modules: tuple[str, ...]
    mode: str

    @classmethod
    def read(cls, row: dict[str, Any]) -> "Step":
        return cls(
            row["number"],
            row["from"],
            row.get("to", row["from"]),
            row["says"],
            tuple(row.get("modules", ())),
            row.get("mode", "both"),
        )


def steps() -> list[Step]:
    """Return the steps of the source, in its order."""
    return [Step.read(row) for row in tomllib.loads(SOURCE.read_text())["steps"]]


def render() -> str:
    """Return the diagram as SVG."""
    source = tomllib.loads(SOURCE.read_text())
    rows = steps()
    told = " ".join(f"{step.number} ({step.mode}): {step.says}." for step in rows)
    drawing = Drawing(title="A request's way through the service", description=told)
    drawing.text(20, 28, "A request's way through the service", style="title")
    _legend(drawing)
    middles = {name: _LEFT + number * _LANE for number, name in enumerate(source["lanes"])}
    bottom = _TOP + len(rows) * _ROW
    for name, x in middles.items():
        drawing.path(f"M{x} {_TOP}V{bottom}", style="faint")
        drawing.box(x - 56, _TOP - 40, 112, 30, style="plain")
        drawing.text(x, _TOP - 20, name, style="bold middle")
    modules_at = max(middles.values()) + 120
    drawing.text(modules_at, _TOP - 20, "where in the code", style="bold")
    for number, step in enumerate(rows):
        _draw(drawing, step, middles, y=_TOP + 28 + number * _ROW, modules_at=modules_at)
    return drawing.render()


def _legend(drawing: Drawing) -> None:
    x = 20.0
    for mode, words in (("both", "both modes"), ("batch", "batch"), ("stream", "stream")):
        drawing.box(x, 42, 14, 14, style=_STYLES[mode])
        drawing.text(x + 20, 54, words, style="small")
        x += 50 + text_width(words, "small")


def _draw(
    drawing: Drawing, step: Step, middles: dict[str, int], *, y: float, modules_at: float
) -> None:
    begin, end = middles[step.begin], middles[step.end]
    drawing.box(14, y - 12, 26, 20, style=_STYLES[step.mode])
    drawing.text(27, y + 2, str(step.number), style="small middle")
    width = text_width(step.says, "small")
    if begin == end:
        drawing.dot(begin, y, style="arrow", radius=4)
        drawing.text(begin + 10, y + 4, step.says, style="small")
    else:
        direction = 1 if end > begin else -1
        dashed = " dashed" if step.mode == "stream" else ""
        drawing.path(f"M{begin} {y}H{end - 2 * direction}", style=f"line{dashed}", arrow=True)
        left = min(begin, end) + 8
        drawing.text(
            max(left, left + (abs(end - begin) - width) / 2 - 8), y - 6, step.says, style="small"
        )
    for number, module in enumerate(step.modules):
        top = y + 4 + 14 * (number - (len(step.modules) - 1) / 2)
        drawing.text(modules_at, top, module, style="code")
