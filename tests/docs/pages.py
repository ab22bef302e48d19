"""The documentation's pages, their fenced blocks and their inline code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", ".github/**/*.md", "adapters/**/*.md", "examples/*.md")
    for path in ROOT.glob(pattern)
)

_FENCED = re.compile(
    r"(?:^ *<!-- (?P<mark>.+?) -->\n)?"
    r"^(?P<indent> *)```(?P<language>.*)\n(?P<text>(?:.*\n)*?)(?P=indent)```$",
    re.MULTILINE,
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_INLINE = re.compile(r"(`+)(.+?)\1", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; ``mark`` is the comment right above it."""

    page: Path
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{shown(self.page)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Span:
    """Inline code, whose line breaks are spaces."""

    page: Path
    text: str

    def __str__(self) -> str:
        return f"{shown(self.page)}: `{self.text}`"


def shown(path: Path) -> str:
    """Return the path below the repository's root."""
    return str(path.relative_to(ROOT))


def blocks(page: Path) -> Iterator[Block]:
    """Yield every fenced block of ``page``, without its indentation."""
    content = page.read_text()
    for found in _FENCED.finditer(content):
        indent = found["indent"]
        yield Block(
            page=page,
            line=content.count("\n", 0, found.start("language")) + 1,
            language=found["language"].strip(),
            mark=found["mark"] or "",
            text=re.sub(rf"^{indent}", "", found["text"], flags=re.MULTILINE),
        )


def prose(page: Path) -> str:
    """Return ``page`` without fenced blocks and comments."""
    return _COMMENT.sub("", _FENCED.sub("", page.read_text()))


def spans(page: Path) -> Iterator[Span]:
    """Yield the inline code of ``page``, paragraph by paragraph."""
    for paragraph in re.split(r"\n\s*\n", prose(page)):
        for _, text in _INLINE.findall(paragraph):
            yield Span(page, re.sub(r"\s*\n\s*", " ", text).strip())


BLOCKS = [block for page in PAGES for block in blocks(page)]
SPANS = [span for page in PAGES for span in spans(page)]
