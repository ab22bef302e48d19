"""Splitting a long text into chunks that a model can speak, at the strongest boundaries."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.text.boundaries import (
    clause_ends,
    ends_a_sentence,
    last_grapheme_end,
    paragraphs,
    sentence_ends,
    spaces,
)
from domain.text.script import detect_language


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of the text that is spoken in one go; ``index`` counts the chunks from 0."""

    index: int
    text: str


def plan_chunks(text: str, *, limit: int, language: str | None = None) -> tuple[Chunk, ...]:
    """Split ``text`` into chunks of at most ``limit`` characters, at the strongest boundary.

    A cut falls at the last end of a paragraph that fits; if there is none, at the last end of a
    sentence, then of a clause, then at the last space, and only then inside a word, between
    grapheme clusters. Neighbouring short sentences and paragraphs share a chunk. The joined chunks
    equal ``text`` except for white space.

    Args:
        text: The text; an empty one gives no chunks.
        limit: Code points in a chunk, 1 or more. A single longer grapheme cluster is not cut.
        language: BCP 47 primary tag for the sentence rules; None judges by the script.
    """
    language = language or detect_language(text)
    pieces = _pack(list(paragraphs(text)), limit, language)
    return tuple(Chunk(index, piece) for index, piece in enumerate(pieces))


def whole_text(text: str) -> tuple[Chunk, ...]:
    """Return ``text`` as one chunk, or no chunk if it is empty, for requests without chunking."""
    joined = " ".join(paragraphs(text)).replace("\n", " ")
    return (Chunk(0, joined),) if joined else ()


def _pack(texts: Sequence[str], limit: int, language: str) -> Iterator[str]:
    """Yield chunks: paragraphs that fit share one, and a longer paragraph is cut by itself.

    A heading has a chunk of its own, or the model would read it and the next sentence as one.
    """
    pending = ""
    for paragraph in texts:
        together = f"{pending} {paragraph}" if pending else paragraph
        if len(together) <= limit and (not pending or ends_a_sentence(pending)):
            pending = together
            continue
        if pending:
            yield pending.replace("\n", " ")
        *full, pending = _cut(paragraph, limit, language)
        yield from full
    if pending:
        yield pending.replace("\n", " ")


def _cut(paragraph: str, limit: int, language: str) -> Iterator[str]:
    """Yield the chunks of one paragraph."""
    sentences = sentence_ends(paragraph, language=language)
    start = 0
    while start < len(paragraph):
        end = _cut_offset(paragraph, start, limit, sentences)
        yield paragraph[start:end].strip().replace("\n", " ")
        start = end
        while start < len(paragraph) and paragraph[start].isspace():
            start += 1


def _cut_offset(paragraph: str, start: int, limit: int, sentences: Sequence[int]) -> int:
    """Return the end of the chunk that begins at ``start``; a space after it is included."""
    furthest = start + limit
    if len(paragraph) <= furthest:
        return len(paragraph)
    with_space = furthest + 1 if paragraph[furthest].isspace() else furthest
    nearest = bisect_right(sentences, with_space)
    if nearest and sentences[nearest - 1] > start:
        return sentences[nearest - 1]
    clauses = clause_ends(paragraph, start, with_space)
    if clauses:
        return clauses[-1]
    for space in spaces(paragraph, start, with_space):
        return space
    return last_grapheme_end(paragraph, start, furthest)
