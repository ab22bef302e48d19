"""Characters that a terminal obeys or does not show, and text without them."""

import re
import unicodedata

_UNSEEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Controls (C0 and C1), format characters (bidirectional overrides and isolates, zero-width
spaces, tags), surrogates, private use, unassigned, line and paragraph separators."""

_BLANKS = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and symbols by category that are drawn as nothing."""

_JOINERS = "\u200c\u200d"
_JOINED_CATEGORIES = {"Lo", "Mn", "Mc", "So", "Sk"}
"""What a joiner stands between: letters of scripts without case (Arabic, the Indic ones), their
marks, and emoji. Between Latin letters it only makes two names look alike."""

_PLAIN = re.compile(r"[ -~]*")


def is_visible(text: str) -> bool:
    """Whether every character of ``text`` can be seen, or joins two that can."""
    return escape_unseen(text) == text


def escape_unseen(text: str) -> str:
    """Return ``text`` with each character that cannot be seen as its Python escape."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(
        character if _is_seen(text, place) else _escape(character)
        for place, character in enumerate(text)
    )


def _is_seen(text: str, place: int) -> bool:
    character = text[place]
    if character in _JOINERS:
        return _is_joined(text[max(place - 1, 0) : place]) and _is_joined(
            text[place + 1 : place + 2]
        )
    return character not in _BLANKS and unicodedata.category(character) not in _UNSEEN_CATEGORIES


def _is_joined(character: str) -> bool:
    return bool(character) and unicodedata.category(character) in _JOINED_CATEGORIES


def _escape(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return character.encode("unicode_escape").decode()
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
