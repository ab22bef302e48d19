"""Long text into chunks that a model can speak, cut where a reader would breathe."""

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
    """A piece of the text, spoken in one go: its place in the order, from 0, and its words."""

    index: int
    text: str


def plan_chunks(text: str, *, limit: int, language: str | None = None) -> tuple[Chunk, ...]:
    """Split ``text`` into chunks of at most ``limit`` characters, cutting where it hurts least.

    A cut falls at the last paragraph's end within reach; where there is none, at the last
    sentence's, clause's, or space; and only then inside a word, between grapheme clusters. What
    fits is not cut: neighbouring short sentences and paragraphs share a chunk. The chunks joined
    give ``text`` back but for white space.

    Args:
        limit: Code points in a chunk, 1 or more. A single grapheme cluster longer than that stays
            whole.
        language: BCP 47 primary tag for the sentence rules; judged by the script when None.
    """
    language = language or detect_language(text)
    pieces = _pack(list(paragraphs(text)), limit, language)
    return tuple(Chunk(index, piece) for index, piece in enumerate(pieces))


def whole_text(text: str) -> tuple[Chunk, ...]:
    """``text`` as one chunk, for requests that want no cuts."""
    joined = " ".join(paragraphs(text)).replace("\n", " ")
    return (Chunk(0, joined),) if joined else ()


def _pack(texts: Sequence[str], limit: int, language: str) -> Iterator[str]:
    """Whole paragraphs share a chunk as long as they fit; a longer one is cut by itself.

    A heading stands alone: run together with what follows, it would be read as one sentence.
    """
    waiting = ""
    for paragraph in texts:
        together = f"{waiting} {paragraph}" if waiting else paragraph
        if len(together) <= limit and (not waiting or ends_a_sentence(waiting)):
            waiting = together
            continue
        if waiting:
            yield waiting.replace("\n", " ")
        *full, waiting = _cut(paragraph, limit, language)
        yield from full
    if waiting:
        yield waiting.replace("\n", " ")


def _cut(paragraph: str, limit: int, language: str) -> Iterator[str]:
    sentences = sentence_ends(paragraph, language=language)
    start = 0
    while start < len(paragraph):
        end = _cut_offset(paragraph, start, limit, sentences)
        yield paragraph[start:end].strip().replace("\n", " ")
        start = end
        while start < len(paragraph) and paragraph[start].isspace():
            start += 1


def _cut_offset(paragraph: str, start: int, limit: int, sentences: Sequence[int]) -> int:
    """The end of the chunk that begins at ``start``, with the space that follows it."""
    reach = start + limit
    if len(paragraph) <= reach:
        return len(paragraph)
    with_space = reach + 1 if paragraph[reach].isspace() else reach
    nearest = bisect_right(sentences, with_space)
    if nearest and sentences[nearest - 1] > start:
        return sentences[nearest - 1]
    clauses = clause_ends(paragraph, start, with_space)
    if clauses:
        return clauses[-1]
    for space in spaces(paragraph, start, with_space):
        return space
    return last_grapheme_end(paragraph, start, reach)
