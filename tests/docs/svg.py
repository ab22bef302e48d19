"""Drawings as SVG text: the same bytes for the same calls, readable on light and dark pages.

Colours are CSS classes with a variant for dark pages. Text is in the reader's own font, whose width
is estimated, so that no font is needed to make a drawing.
"""

from xml.sax.saxutils import escape, quoteattr

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.small { font-size: 11px; fill: #59636e }
.code { font: 11px ui-monospace, monospace; fill: #59636e }
.title { font-size: 16px; font-weight: 600 }
.bold { font-weight: 600 }
.middle { text-anchor: middle }
.end { text-anchor: end }
.box { fill: #ffffff; stroke: #818b98 }
.blue { fill: #ddf4ff; stroke: #0969da }
.green { fill: #dafbe1; stroke: #1a7f37 }
.amber { fill: #fff8c5; stroke: #9a6700 }
.plain { fill: #f6f8fa; stroke: #d1d9e0 }
.line { fill: none; stroke: #59636e; stroke-width: 1.2 }
.faint { fill: none; stroke: #d1d9e0 }
.dashed { stroke-dasharray: 5 4 }
.curve { fill: none; stroke: #0969da; stroke-width: 2 }
.curve2 { fill: none; stroke: #bc4c00; stroke-width: 2 }
.dot { fill: #0969da } .dot2 { fill: #bc4c00 }
.arrow { fill: #59636e }
.page { fill: #ffffff }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .small, .code { fill: #9198a1 }
.page { fill: #0d1117 } .box { fill: #151b23; stroke: #656c76 }
.blue { fill: #0c2d4f; stroke: #4493f8 } .green { fill: #0f2f1a; stroke: #3fb950 }
.amber { fill: #362a0a; stroke: #d29922 } .plain { fill: #151b23; stroke: #3d444d }
.line { stroke: #9198a1 } .faint { stroke: #3d444d } .arrow { fill: #9198a1 }
.curve { stroke: #4493f8 } .curve2 { stroke: #f0883e } .dot { fill: #4493f8 }
.dot2 { fill: #f0883e }
}
""".strip()
_WIDTHS = {"code": 6.7, "small": 6.2, "": 7.0, "bold": 8.8, "title": 9.2}
"""Pixels of a character, on the generous side, by class."""


def text_width(text: str, style: str = "") -> float:
    """Return an upper estimate of the width of ``text`` in pixels."""
    return len(text) * _WIDTHS[style]


class Drawing:
    """Shapes and words on a page that is as large as they are.

    Args:
        title: What the drawing shows, in a few words.
        description: The same for somebody who cannot see it, in sentences.
    """

    def __init__(self, *, title: str, description: str) -> None:
        self._title, self._description = title, description
        self._parts: list[str] = []
        self._right = self._bottom = 0.0

    def box(self, x: float, y: float, width: float, height: float, *, style: str) -> None:
        """Draw a rectangle with round corners."""
        self._grow(x + width, y + height)
        self._parts.append(
            f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
            ' rx="6"/>'
        )

    def text(self, x: float, y: float, words: str, *, style: str = "") -> None:
        """Write ``words`` from ``x`` on (or around it, or up to it), their baseline at ``y``."""
        first, *rest = style.split() or [""]
        self._grow(x if rest else x + text_width(words, first), y)
        attribute = f' class="{style}"' if style else ""
        self._parts.append(f'<text{attribute} x="{x:g}" y="{y:g}">{escape(words)}</text>')

    def path(self, commands: str, *, style: str, arrow: bool = False) -> None:
        """Draw the path of SVG's ``commands``, with a head at its end if it is an arrow."""
        head = ' marker-end="url(#head)"' if arrow else ""
        self._parts.append(f'<path class="{style}" d="{commands}"{head}/>')

    def dot(self, x: float, y: float, *, style: str, radius: float = 3.5) -> None:
        """Draw a filled circle."""
        self._parts.append(f'<circle class="{style}" cx="{x:g}" cy="{y:g}" r="{radius:g}"/>')

    def render(self) -> str:
        """Return the file's text."""
        width, height = self._right + 20, self._bottom + 20
        label = quoteattr(self._title)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
            f' width="{width:g}" height="{height:g}" role="img" aria-label={label}>'
        )
        marker = (
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8"'
            ' markerHeight="8" orient="auto"><path class="arrow" d="M0 0 8 4 0 8z"/></marker>'
            "</defs>"
        )
        return "\n".join(
            (
                head,
                f"<title>{escape(self._title)}</title>",
                f"<desc>{escape(self._description)}</desc>",
                f"<style>{_STYLE}</style>",
                marker,
                f'<rect class="page" width="{width:g}" height="{height:g}"/>',
                *self._parts,
                "</svg>\n",
            )
        )

    def _grow(self, right: float, bottom: float) -> None:
        self._right, self._bottom = max(self._right, right), max(self._bottom, bottom)
