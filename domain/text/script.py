"""Which language a text is probably in, judged by its letters."""

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
_SAMPLE = 2_000
"""Characters that are looked at: a text's first page tells."""

_KANA_SHARE = 0.05
"""Japanese mixes kana into Chinese characters; one quoted word of kana makes no Japanese text."""


def detect_language(text: str) -> str:
    """The BCP 47 primary tag of ``text`` by its commonest script; ``en`` where it has no letters.

    One script serves many languages: Latin answers ``en``, Cyrillic ``ru``. The tag chooses
    sentence rules, for which that is near enough.
    """
    sample = text[:_SAMPLE]
    counts = {language: len(pattern.findall(sample)) for language, pattern in _COUNTERS}
    if counts["ja"] > _KANA_SHARE * (counts["ja"] + counts["zh"]):
        counts["ja"] += counts["zh"]
        counts["zh"] = 0
    language = max(counts, key=lambda tag: counts[tag])
    return language if counts[language] else "en"
