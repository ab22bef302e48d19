"""JSON values to checked inputs; every problem is named with its field."""

import difflib
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from application.speech_request import MAX_TEXT_CHARS
from domain.errors import InvalidRequest, printable
from entrypoints.problems import describe
from entrypoints.schemas import InvalidFieldError, Question, SpeechInput

REPORTED = 10
"""Problems that one error names; a longer list would not help to correct the first ones."""

_LONGEST_TYPO = 64
"""Characters of an unknown field that is compared with the known ones, whose longest has 26.

The comparison's time grows with the length.
"""

InputT = TypeVar("InputT", bound=BaseModel)


def parse(kind: type[InputT], value: object, *, max_text_chars: int = MAX_TEXT_CHARS) -> InputT:
    """Return a JSON value as a ``kind``, checked.

    The time that it takes does not grow with the number of unknown fields.

    Raises:
        InvalidRequest: names the fields that are wrong, ``REPORTED`` at most, and counts the rest.
    """
    if not isinstance(value, dict):
        raise InvalidRequest("input", "must be a JSON object with at least a text")
    known = {name: value[name] for name in kind.model_fields if name in value}
    unknown = [str(name) for name in value if name not in known]
    problems: list[tuple[str, str]] = []
    try:
        parsed = kind.model_validate(known, context={"max_text_chars": max_text_chars})
    except ValidationError as error:
        problems = [_field_and_problem(dict(found)) for found in error.errors(include_url=False)]
    else:
        if not unknown:
            return parsed
    total = len(problems) + len(unknown)
    problems = problems[:REPORTED]
    problems += [
        _unknown_field(name, known=kind.model_fields)
        for name in unknown[: REPORTED - len(problems)]
    ]
    raise InvalidRequest.of(problems, unlisted=total - len(problems))


def parse_job(value: object, *, max_text_chars: int = MAX_TEXT_CHARS) -> SpeechInput | Question:
    """Return a job's input, checked: a question if it has an action, else a synthesis.

    Raises:
        InvalidRequest: names every field that is wrong.
    """
    if isinstance(value, dict) and value.get("action") is not None:
        return parse(Question, value)
    return parse(SpeechInput, value, max_text_chars=max_text_chars)


def _field_and_problem(error: dict[str, Any]) -> tuple[str, str]:
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, InvalidFieldError):
        return cause.field, str(cause)
    place = [part for part in error["loc"] if isinstance(part, str | int)]
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)[1:]
    return field, "is missing" if error["type"] == "missing" else describe(error)


def _unknown_field(name: str, *, known: Iterable[str]) -> tuple[str, str]:
    if name in SpeechInput.model_fields:
        return name, "does not go with an action"
    if len(name) > _LONGEST_TYPO:
        return printable(name), "is not a field"
    [nearest] = difflib.get_close_matches(name, known, n=1, cutoff=0)
    return printable(name), f"is not a field; did you mean {nearest}?"
