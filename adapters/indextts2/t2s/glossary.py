"""The glossary of a model folder: how terms are read aloud."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from domain.errors import ModelUnavailable

Glossary = dict[str, str | dict[str, str]]

_SHAPE = "each line must be TERM: READING, or TERM: {en: READING, zh: READING}, all of it text"
_LONGEST_QUOTE = 60
"""Characters of an entry that a message repeats."""


def read_glossary(path: Path) -> Glossary:
    r"""Return the readings of ``path`` by their terms, some by language; an empty file has none.

    Each reading is a template for ``re.sub``, as the package takes it: a backslash is doubled, or
    ``\1`` would mean a group that no term has.

    Raises:
        ModelUnavailable: the file cannot be read, is no YAML, or has another shape.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except Exception as error:  # a parser of foreign text may fail in any way
        raise ModelUnavailable(
            f"glossary.yaml cannot be read ({_reason(error)}); mend or delete it: {_SHAPE}"
        ) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise _misshapen(f"it holds one {type(content).__name__}, no terms")
    for term, reading in content.items():
        if not isinstance(term, str) or not term:
            raise _misshapen(f"the term {_quoted(term)} is no text; put it in quotes")
        if not (isinstance(reading, str) or _is_by_language(reading)):
            raise _misshapen(f"the reading of {_quoted(term)} is no text; put it in quotes")
    return {
        term: _template(reading)
        if isinstance(reading, str)
        else {language: _template(text) for language, text in reading.items()}
        for term, reading in content.items()
    }


def _template(reading: str) -> str:
    return reading.replace("\\", "\\\\")


def _is_by_language(reading: object) -> bool:
    return isinstance(reading, Mapping) and all(
        isinstance(part, str) for entry in reading.items() for part in entry
    )


def _misshapen(problem: str) -> ModelUnavailable:
    return ModelUnavailable(f"glossary.yaml has the wrong shape: {problem} ({_SHAPE})")


def _reason(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    line = f" in line {mark.line + 1}" if mark is not None else ""
    return f"{type(error).__name__}{line}"


def _quoted(part: object) -> str:
    return repr(part)[:_LONGEST_QUOTE]
