"""The probable language of a text, judged by the script of its letters."""

import regex

_LANGUAGE_OF_SCRIPT = (
    ("ja", r"[\p{Hiragana}\p{Katakana}]"),
    ("ko", r"\p{Hangul}"),
    ("zh", r"\p{Han}"),
    ("ru", r"\p{Cyrillic}"),
    ("el", r"\p{Greek}"),
    ("ar", r"\p{Arabic}"),
    ("he", r"\p{Hebrew}"),
    ("hi", r"\p{Devanagari}"),
    ("bn", r"\p{Bengali}"),
    ("ta", r"\p{Tamil}"),
    ("th", r"\p{Thai}"),
    ("hy", r"\p{Armenian}"),
    ("ka", r"\p{Georgian}"),
    ("am", r"\p{Ethiopic}"),
    ("en", r"\p{Latin}"),
)
_COUNTERS = tuple((language, regex.compile(letters)) for language, letters in _LANGUAGE_OF_SCRIPT)
_SAMPLE_CHARACTERS = 2_000
"""Characters that are counted: about a page, enough to find the main script of any text."""

_KANA_SHARE = 0.05
"""Least share of kana in a Japanese text, counted with its Chinese characters.

Japanese mixes the two; a Chinese text that quotes one word in kana stays below this share.
"""


def detect_language(text: str) -> str:
    """Return the BCP 47 primary tag of the commonest script in ``text``; ``en`` without letters.

    Many languages share a script: Latin gives ``en``, Cyrillic ``ru``. The tag only chooses
    the rules for sentence ends, and these differ little between languages of one script.
    """
    sample = text[:_SAMPLE_CHARACTERS]
    counts = {language: len(pattern.findall(sample)) for language, pattern in _COUNTERS}
    if counts["ja"] > _KANA_SHARE * (counts["ja"] + counts["zh"]):
        counts["ja"] += counts["zh"]
        counts["zh"] = 0
    language = max(counts, key=lambda tag: counts[tag])
    return language if counts[language] else "en"
