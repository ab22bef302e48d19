"""What can go wrong, as one tree.

::

    SpeechError
    ├── InvalidRequest      invalid_request     the caller's input, one field named
    ├── RecordingError                          a recording that a request names or brings
    │   ├── UnknownVoice    unknown_voice       no recording of that name
    │   └── BadReference    bad_reference       a recording that cannot be used
    ├── Conflict            conflict            the object is another job's, or the voice exists
    ├── ModelUnavailable    model_unavailable   no weights, no GPU, no engine
    ├── OutOfMemory         out_of_memory       the accelerator is full
    ├── SynthesisFailed     synthesis_failed    the model raised, or spoke nothing
    │   └── DeviceLost                          the process can use its accelerator no more
    ├── StorageFailed       storage_failed      the finished audio could not be stored
    └── Cancelled           cancelled           a person or a program stopped it

``str(error)`` is what a client reads: ``<code>: <what is wrong and what to do>``.
"""

import difflib
import math
from collections.abc import Sequence
from typing import ClassVar

from domain.visible_text import escape_unseen

INTERNAL_ERROR = "internal_error"
"""The code of a failure that has no class here: a bug, whose traceback is in the log only."""

LONGEST_ERROR = 2_000
"""Characters of ``str(error)``: what a person reads of it, and what every client can show."""

_KEPT_END = 500
"""Characters of a longer message that stay from its end, which tells what to do."""


class SpeechError(Exception):
    """Root of every failure this product knows how to explain.

    Its message is one line of printable text, and ``str(error)`` has at most ``LONGEST_ERROR``
    characters, whatever ``message`` quotes: the rest is cut out of the middle.

    Args:
        message: What is wrong and what to do about it; no path of the host, no secret. What a
            terminal would obey or not show is escaped, wherever it came from.
        extras: Optional parts of this product (``preview``, ``worker``, ...) that would have to be
            installed; how to do it depends on the machine, so only entrypoints can say.
    """

    code: ClassVar[str] = INTERNAL_ERROR

    def __init__(self, message: str, *, extras: Sequence[str] = ()) -> None:
        self.message = _one_line(message, limit=LONGEST_ERROR - len(f"{self.code}: "))
        super().__init__(self.message)
        self.extras = tuple(extras)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class InvalidRequest(SpeechError):
    """A field of the request is missing, unknown, of the wrong type or out of range."""

    code = "invalid_request"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.problems: tuple[tuple[str, str], ...] = ((field, problem),)

    @classmethod
    def of(cls, problems: Sequence[tuple[str, str]], *, unlisted: int = 0) -> "InvalidRequest":
        """Return one error for (field, problem) pairs, at least one, and ``unlisted`` others."""
        *others, (field, problem) = problems
        together = "".join(f"{name}: {what}; " for name, what in others)
        more = f"; and {unlisted} more problem{'s' if unlisted > 1 else ''}" if unlisted else ""
        error = cls(f"{together}{field}", f"{problem}{more}")
        error.problems = tuple(problems)
        return error


class RecordingError(SpeechError):
    """A recording that a request names or brings cannot be had or used.

    Attributes:
        concerns_emotion: Whether it is the recording of the emotion, and not of the voice.
    """

    concerns_emotion = False


class UnknownVoice(RecordingError):
    """No recording of that name stands in the voices folder.

    The message is the same whatever the reason, so that it never tells what exists elsewhere. The
    names that are nearest to ``name`` come first.
    """

    code = "unknown_voice"
    LISTED = 20
    LONGEST = 80

    def __init__(self, name: str, available: Sequence[str]) -> None:
        nearest = difflib.get_close_matches(name[: self.LONGEST], available, n=3)
        available = [*nearest, *(other for other in available if other not in nearest)]
        shown = ", ".join(available[: self.LISTED])
        more = f" and {len(available) - self.LISTED} more" if len(available) > self.LISTED else ""
        have = f"available: {shown}{more}" if available else "the voices folder is empty"
        super().__init__(f"there is no voice named {printable(name)}; {have}")


class BadReference(RecordingError):
    """A reference recording that cannot be decoded, is too short, or is silent."""

    code = "bad_reference"


class Conflict(SpeechError):
    """The object of this session was written by another job, or a new voice exists already."""

    code = "conflict"


class ModelUnavailable(SpeechError):
    """The speech model cannot be had: weights, accelerator or package missing."""

    code = "model_unavailable"


class OutOfMemory(SpeechError):
    """The accelerator's memory is exhausted; the process should be replaced."""

    code = "out_of_memory"


class SynthesisFailed(SpeechError):
    """The model raised, or what it produced is not speech."""

    code = "synthesis_failed"


class DeviceLost(SynthesisFailed):
    """The process can use its accelerator no more, and must be replaced."""


class StorageFailed(SpeechError):
    """The object store could not be reached, or refused."""

    code = "storage_failed"


class Cancelled(SpeechError):
    """The job was cancelled before it finished."""

    code = "cancelled"


def printable(value: object, *, limit: int = 80) -> str:
    """Return ``value`` as one line of a message: unseen characters escaped, cut at ``limit``.

    A long string is cut before it is looked at, and an integer of more than ``limit`` digits is
    described: Python refuses to write the longest ones.
    """
    if isinstance(value, int) and abs(value) >= 10**limit:
        return f"a number of {_digits(value)} digits"
    shown = escape_unseen(repr(value[: limit + 1] if isinstance(value, str) else value))
    return shown if len(shown) <= limit else f"{shown[:limit]}…"


def _digits(value: int) -> int:
    estimate = int(abs(value).bit_length() * math.log10(2))
    return estimate + int(abs(value) >= 10**estimate)


def _one_line(message: str, *, limit: int) -> str:
    longest = 2 * limit  # escapes only make it longer
    if len(message) > longest:
        message = f"{message[:limit]}{message[-limit:]}"
    message = escape_unseen(message)
    if len(message) > limit:
        message = f"{message[: limit - _KEPT_END - 1]}…{message[-_KEPT_END:]}"
    return message
