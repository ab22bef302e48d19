"""Validation errors of pydantic as short sentences for the person who wrote the value."""

from collections.abc import Mapping
from typing import Any

from application.speech_request import SESSION_PATTERN
from domain.errors import printable

HALF_A_PAIR = "holds half of a surrogate pair, which is no character"


def describe(error: Mapping[str, Any]) -> str:
    """Return one of pydantic's errors as the rest of a sentence that begins with the field."""
    context = error.get("ctx", {})
    if "error" in context:
        return str(context["error"])
    kind, value = error["type"], error["input"]
    if kind == "float_type" and isinstance(value, int) and not isinstance(value, bool):
        return f"is out of range: {printable(value)}"  # an integer that no float can hold
    sentence = _PATTERNS.get(context.get("pattern", "")) or _SENTENCES.get(kind)
    problem = sentence.format(**context) if sentence else error["msg"]
    if isinstance(value, str | int | float) and kind not in _SHOWS_NO_VALUE:
        problem += f", not {printable(value)}"
    return problem


LANGUAGE_PATTERN = r"^[A-Za-z]{2,3}$"

_PATTERNS = {
    SESSION_PATTERN: "must be 1 to 128 letters, digits, '.', '_' or '-', the first a letter or"
    " digit",
    LANGUAGE_PATTERN: "must be a language's code of two or three letters, as en or zh",
}
"""The rule of each pattern, in words."""

_SENTENCES = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le:.15g}",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_type": "must be a string",
    "string_unicode": HALF_A_PAIR,
    "too_long": "must have {max_length} items and has {actual_length}",
    "too_short": "must have {min_length} items and has {actual_length}",
}

_SHOWS_NO_VALUE = ("string_too_long", "string_unicode")
"""Kinds of errors whose value would add nothing to the sentence."""
