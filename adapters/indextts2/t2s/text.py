"""Text as the language model reads it: normalised, in tokens, in segments that fit."""

import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import yaml

from adapters.indextts2.failures import reading
from adapters.indextts2.upstream import ModelClasses

log = structlog.get_logger()

GRAMMAR_PACKAGE = "nemo_text_processing"
BREAKS = frozenset({".", "!", "?", "▁.", "▁?", "▁...", "…", ",", "▁,", "-"})


@dataclass(frozen=True, slots=True)
class Segment:
    """Token ids of a stretch of text; none of them is a control token."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TokenisedText:
    """``segments`` is empty where the model knows nothing of the text that could be heard.

    ``unknown`` are the stretches that it does not know, as they stand in the text.
    """

    segments: tuple[Segment, ...]
    unknown: tuple[str, ...]


class TextReader:
    """Normalises and tokenises with the package's own classes.

    Without its grammars (``nemo_text_processing``) numbers and abbreviations are not written out;
    ``warning`` says so then, and is empty otherwise.
    """

    def __init__(
        self, *, classes: ModelClasses, tokens: Path, glossary: Path, use_grammars: bool
    ) -> None:
        self._normalizer: Any = classes.normalizer(enable_glossary=True)
        self._turn = threading.Lock()
        self.warning = ""
        with reading("bpe.model"):
            self._tokenizer: Any = classes.tokenizer(str(tokens))
        if glossary.is_file():
            with reading("glossary.yaml"):
                self._normalizer.load_glossary(yaml.safe_load(glossary.read_text("utf-8")))
        self._has_grammars = use_grammars and self._load_grammars()
        if not self._has_grammars:
            self.warning = (
                "text normalisation is off: numbers and abbreviations are not written out;"
                f" install {GRAMMAR_PACKAGE}"
            )

    def read(self, text: str, *, longest: int, language: str | None) -> TokenisedText:
        """Tokens of ``text`` in segments of at most ``longest``."""
        pieces = self._pieces(self._normalised(text, language)) if text.strip() else []
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

    def _pieces(self, text: str) -> list[str]:
        # The package forgets to capitalise a text of one letter.
        pieces: list[str] = self._tokenizer.tokenize(text.upper() if len(text) == 1 else text)
        return pieces

    def _normalised(self, text: str, language: str | None) -> str:
        with self._turn:
            normalised = self._written_out(text, language) if self._has_grammars else ""
            return (normalised or self._plain(text, language)).strip()

    def _written_out(self, text: str, language: str | None) -> str:
        self._normalizer.preferred_language = language if language in ("zh", "en") else None
        normalised: str = self._normalizer.normalize(text)
        return normalised

    def _plain(self, text: str, language: str | None) -> str:
        """The glossary and the punctuation that the model knows, nothing else."""
        spoken = language or ("zh" if self._normalizer.use_chinese(text) else "en")
        text = self._normalizer.apply_glossary_terms(text, lang=spoken)
        for written, known in sorted(
            self._normalizer.char_rep_map.items(), key=lambda item: -len(item[0])
        ):
            text = text.replace(written, known)
        return text

    def _load_grammars(self) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._normalizer.load()
            except Exception as error:  # noqa: BLE001 - a grammar that does not build must cost no speech
                log.warning("text_grammars_unavailable", reason=type(error).__name__)
                return False
        return True


def split(pieces: Sequence[str], *, longest: int) -> list[tuple[str, ...]]:
    """Cut after punctuation, then fill segments of at most ``longest`` tokens from the left.

    A stretch without punctuation that is too long itself is cut where it must be.
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
