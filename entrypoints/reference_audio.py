"""Recordings that come in a field of a job: base64, a data URI or a URL."""

import binascii
import re
from urllib.parse import unquote

from domain.recording_limits import MOST_SENT_BYTES
from domain.voice_choice import LinkedRecording, SentRecording

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_DATA_URI = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)

_SHAPE = "must be a recording as base64, alone or in a data: URI, or an https URL"


def reference_audio(field: str, value: str) -> SentRecording | LinkedRecording:
    """Return what ``value``, the text of ``field``, holds or leads to.

    Whether a URL may be fetched is decided by who fetches it, with one error for all.

    Raises:
        ValueError: it is malformed, empty or too large; the message is the rest of a sentence that
            begins with the field.
    """
    value = value.strip()
    if head := _DATA_URI.match(value):
        return SentRecording(field, _decoded(unquote(value[head.end() :])))
    if value[:5].lower() == "data:":
        raise ValueError(f"{_SHAPE}; this data: URI is not base64")
    if _URL.match(value):
        return LinkedRecording(field, value)
    return SentRecording(field, _decoded(value))


def _decoded(text: str) -> bytes:
    try:
        content = binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except ValueError:
        raise ValueError(f"{_SHAPE}; this base64 is incomplete or damaged") from None
    if not content:
        raise ValueError(f"{_SHAPE}; this one is empty")
    if len(content) > MOST_SENT_BYTES:
        raise ValueError(
            f"has a recording of {len(content)} bytes; at most {MOST_SENT_BYTES} (10 MiB) are"
            " accepted, and only 15 s of it are used"
        )
    return content
