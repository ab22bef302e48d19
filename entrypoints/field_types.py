"""Types of the fields of a job's input; what they refuse is a ``ValueError``."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from application.speech_request import MAX_TEXT_CHARS
from entrypoints.problems import HALF_A_PAIR
from entrypoints.reference_audio import reference_audio


def _integer(value: Any) -> Any:
    """Return 140.0 as 140: JSON has a single kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _speakable(text: str, info: ValidationInfo) -> str:
    """Return ``text`` without the space around it, if it can be spoken and is not too long."""
    trimmed = text.strip()
    limit = (info.context or {}).get("max_text_chars", MAX_TEXT_CHARS)
    if len(trimmed) > limit:
        raise ValueError(
            f"has {len(trimmed)} characters; at most {limit} are accepted:"
            " send it in parts, or raise MAX_TEXT_CHARS where it is spoken"
        )
    if not any(char.isalnum() for char in trimmed):
        raise ValueError("has no letter or digit to speak")
    return trimmed


def _unicode(text: str) -> str:
    """Return ``text`` if it is Unicode: JSON can hold half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(HALF_A_PAIR) from None
    return text


def _has_audio(text: str, info: ValidationInfo) -> str:
    """Return ``text`` if it holds a recording or is a URL."""
    reference_audio(str(info.field_name), text)
    return text


Text = Annotated[str, AfterValidator(_unicode)]
ReferenceAudio = Annotated[Text, AfterValidator(_has_audio)]
SpokenText = Annotated[Text, AfterValidator(_speakable)]
Integer = Annotated[int, BeforeValidator(_integer)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Milliseconds = Annotated[Integer, Field(ge=0, le=2000)]
ChunkBound = Annotated[Integer, Field(ge=50, le=1000)]
Weight = Annotated[Number, Field(ge=0, le=1)]
