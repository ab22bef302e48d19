"""Warnings about a request: it is spoken, but not quite as the caller may expect."""

from dataclasses import dataclass
from enum import StrEnum


class WarningCode(StrEnum):
    """The kinds of warnings, for code that treats them differently."""

    OPTION_IGNORED = "option_ignored"
    REFERENCE_CUT = "reference_cut"
    FOREIGN_LANGUAGE = "foreign_language"
    UNKNOWN_TEXT = "unknown_text"
    LENGTH_LIMIT = "length_limit"
    EARLY_AUDIO = "early_audio"
    CHUNK_SILENT = "chunk_silent"


@dataclass(frozen=True, slots=True)
class SpeechWarning:
    """A warning: its kind, and a sentence for the caller."""

    code: WarningCode
    message: str
