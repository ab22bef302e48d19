"""The texts in the product's source, as messages are put together from them."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.docs.pages import ROOT

VARIES = "…"
_LAYERS = ("domain", "application", "adapters", "entrypoints")


@cache
def source_texts() -> tuple[str, ...]:
    """Return every text of the source; what is put in when it is used is ``VARIES``."""
    return tuple(
        text
        for layer in _LAYERS
        for path in sorted((ROOT / layer).rglob("*.py"))
        for text in _texts(ast.parse(path.read_text()))
    )


def is_printed(message: str) -> bool:
    """Return whether one text of the source has all fixed parts of ``message``, in their order."""
    parts = [part for part in message.split(VARIES) if part.strip()]
    pattern = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
    return any(pattern.search(text) for text in source_texts())


def _texts(tree: ast.AST) -> Iterator[str]:
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in docstrings:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"\{[\w:.]*\}", VARIES, node.value)
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else VARIES
                for part in node.values
            )
