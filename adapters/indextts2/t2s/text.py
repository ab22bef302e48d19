"""Text as the language model reads it: normalised, in tokens, in segments that fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.indextts2.failures import reading
from adapters.indextts2.t2s.normalisation import TextNormaliser
from adapters.indextts2.upstream import ModelClasses

GRAMMAR_PACKAGE = "nemo_text_processing"
GRAMMAR_EXTRA = "grammars"
BREAKS = frozenset({".", "!", "?", "▁.", "▁?", "▁...", "…", ",", "▁,", "-"})
"""The tokens after which a segment may end."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Token ids of a stretch of text; none of them is a control token."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TokenisedText:
    """The segments of a text, and the stretches that are not in the model's vocabulary.

    ``segments`` is empty where no known token of the text holds a letter or a digit. ``unknown``
    are the stretches without a token, as they stand in the text, each once.
    """

    segments: tuple[Segment, ...]
    unknown: tuple[str, ...]


class TextReader:
    """The front end of the language model, with the package's own normaliser and tokenizer.

    ``warning`` tells what is missing where numbers and abbreviations are not written out, and is
    empty otherwise.

    Args:
        classes: The package's classes.
        tokens: The model of the tokenizer, ``bpe.model``.
        glossary: A file that may be missing; see ``glossary.read_glossary``.
        use_grammars: Whether numbers are written out where the grammars are installed.

    Raises:
        ModelUnavailable: the tokens or the glossary cannot be used.
    """

    def __init__(
        self, *, classes: ModelClasses, tokens: Path, glossary: Path, use_grammars: bool
    ) -> None:
        self.warning = ""
        with reading("bpe.model"):
            self._tokenizer: Any = classes.tokenizer(str(tokens))
        self._normaliser = TextNormaliser(
            normalizer=classes.normalizer, glossary=glossary, use_grammars=use_grammars
        )
        if not self._normaliser.has_grammars:
            self.warning = (
                "text normalisation is off: numbers and abbreviations are not written out;"
                f" install {GRAMMAR_PACKAGE}, the extra {GRAMMAR_EXTRA}"
            )

    def read(self, text: str, *, longest: int, language: str | None) -> TokenisedText:
        """Return the tokens of ``text`` in segments of at most ``longest`` tokens."""
        pieces = self._pieces(text, language) if text.strip() else []
        ids = self._tokenizer.convert_tokens_to_ids(pieces)
        unknown_id = self._tokenizer.unk_token_id
        known = [piece for piece, id_ in zip(pieces, ids, strict=True) if id_ != unknown_id]
        unknown = [
            piece.strip("▁") for piece, id_ in zip(pieces, ids, strict=True) if id_ == unknown_id
        ]
        segments: tuple[Segment, ...] = ()
        if any(_is_audible(piece) for piece in known):
            segments = tuple(
                Segment(tuple(self._tokenizer.convert_tokens_to_ids(list(stretch))))
                for stretch in split(pieces, longest=longest)
            )
        return TokenisedText(segments, tuple(dict.fromkeys(part for part in unknown if part)))

    def _pieces(self, text: str, language: str | None) -> list[str]:
        normalised = self._normaliser.normalise(text, language=language)
        # The package's tokenizer does not capitalise a text of one letter.
        pieces: list[str] = self._tokenizer.tokenize(
            normalised.upper() if len(normalised) == 1 else normalised
        )
        return pieces


def split(pieces: Sequence[str], *, longest: int) -> list[tuple[str, ...]]:
    """Cut after punctuation, then fill segments of at most ``longest`` tokens from the left.

    A stretch without punctuation that is longer than ``longest`` is cut there.
    """
    segments: list[tuple[str, ...]] = []
    for stretch in _stretches(pieces, longest):
        if segments and len(segments[-1]) + len(stretch) <= longest:
            segments[-1] = segments[-1] + stretch
        else:
            segments.append(stretch)
    return segments


def _stretches(pieces: Sequence[str], longest: int) -> list[tuple[str, ...]]:
    found, start = [], 0
    for end, piece in enumerate(pieces, start=1):
        length = end - start
        if piece in BREAKS or length == longest or end == len(pieces):
            found.append(tuple(pieces[start:end]))
            start = end
    return found


def _is_audible(piece: str) -> bool:
    return any(character.isalnum() for character in piece)
