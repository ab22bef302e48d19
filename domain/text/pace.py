"""An estimate of how long a text takes to speak, made before it is spoken."""

import regex

_SECONDS_OF = (
    (regex.compile(r"\p{Han}"), 0.24),
    (regex.compile(r"[\p{Hiragana}\p{Katakana}]"), 0.14),
    (regex.compile(r"\p{Hangul}"), 0.2),
    (regex.compile(r"\p{Nd}"), 0.6),
)
"""Seconds of one character of each kind.

Careful readers of Chinese speak 2.5 to 6 characters a second, and of Japanese and Korean syllables
about 7 and 5. A digit is a word or more: the preview engine takes 0.6 s for one in long numbers.
"""

_SECONDS_OF_OTHERS = 1 / 15
"""Careful readers of English speak 8 to 20 characters a second; the preview engine speaks 16."""


def estimated_seconds(text: str) -> float:
    """Return about how long ``text`` takes to speak, in seconds, without pauses between chunks.

    A reader, or a model, may take half as long or half as long again.
    """
    seconds, others = 0.0, len(text)
    for kind, seconds_each in _SECONDS_OF:
        count = len(kind.findall(text))
        seconds += count * seconds_each
        others -= count
    return seconds + others * _SECONDS_OF_OTHERS
