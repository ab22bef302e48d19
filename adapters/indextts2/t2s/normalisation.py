"""Text written out in the way that the language model was trained to read."""

import threading
import warnings
from pathlib import Path
from typing import Any

import structlog

from adapters.indextts2.t2s.glossary import Glossary, read_glossary

log = structlog.get_logger()

_LANGUAGES = ("en", "zh")
"""The languages of the package's grammars and of its glossaries."""


class TextNormaliser:
    """The package's own normaliser, with its grammars or without them.

    It replaces the terms of a glossary, English contractions ("it's"), pinyin ("ju4") and
    punctuation. With the grammars (``nemo_text_processing``) it also writes out numbers and
    abbreviations. Safe to use from several threads.

    Args:
        normalizer: The package's class ``TextNormalizer``.
        glossary: A file that may be missing; see ``glossary.read_glossary``.
        use_grammars: Whether the grammars are loaded where they are installed.

    Raises:
        ModelUnavailable: the glossary cannot be used.
    """

    def __init__(self, *, normalizer: type[Any], glossary: Path, use_grammars: bool) -> None:
        terms = read_glossary(glossary) if glossary.is_file() else {}
        self._lock = threading.Lock()
        self._with_grammars = _with_grammars(normalizer, terms) if use_grammars else None
        self._without_grammars = _without_grammars(normalizer, terms)

    @property
    def has_grammars(self) -> bool:
        """Whether numbers and abbreviations are written out."""
        return self._with_grammars is not None

    def normalise(self, text: str, *, language: str | None) -> str:
        """Return ``text`` as the tokenizer takes it.

        ``language`` is a BCP 47 primary tag. The package chooses between English and Chinese where
        it is None or any other language.
        """
        with self._lock:
            for normalizer in (self._with_grammars, self._without_grammars):
                if normalizer is None:
                    continue
                _choose_language(normalizer, language)
                # A grammar that fails at a text gives an empty one.
                if normalised := str(normalizer.normalize(text)):
                    return normalised.strip()
        return ""


class _NoGrammar:
    """A grammar that changes nothing, in the shape in which the package calls grammars."""

    def normalize(self, text: str, *, verbose: bool = False) -> str:
        return text


def _choose_language(normalizer: Any, language: str | None) -> None:
    """Make ``normalizer`` read its next text as ``language``, or choose one if it is another."""
    vars(normalizer).pop("use_chinese", None)  # to the method of its class
    if language in _LANGUAGES:
        normalizer.use_chinese = lambda _: language == "zh"


def _without_grammars(normalizer: type[Any], terms: Glossary) -> Any:
    plain = normalizer(enable_glossary=True)
    plain.load_glossary(terms)
    grammar = _NoGrammar()
    plain._normalizers = dict.fromkeys(_LANGUAGES, grammar)  # noqa: SLF001 - it has no setter
    plain.zh_normalizer = plain.en_normalizer = grammar  # the names in the original index-tts
    # The package's table for Chinese also replaces "$" by "." because its grammar has written
    # out every sum before. Without the grammar that would end a sentence in front of each sum.
    plain.zh_char_rep_map = plain.char_rep_map
    return plain


def _with_grammars(normalizer: type[Any], terms: Glossary) -> Any | None:
    full = normalizer(enable_glossary=True)
    full.load_glossary(terms)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            full.load()
        except Exception as error:  # noqa: BLE001 - a grammar that does not build must cost no speech
            log.warning("text_grammars_unavailable", reason=type(error).__name__)
            return None
    return full
