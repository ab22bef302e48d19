"""The boundaries of a text: ends of paragraphs, sentences and clauses, spaces, graphemes."""

import re
from collections.abc import Iterator

import regex
from sentencex import segment

_CLOSERS = r"[\"'”’»)\]」』）】》〉]*"
_CLAUSE_END = re.compile(
    rf"\n|[,;:،؛]{_CLOSERS}(?=\s)|[–—…]{_CLOSERS}(?=\s|\w)|[，、；：]{_CLOSERS}|(?<=\s)[-–—](?=\s)"
)
_CJK_SENTENCE_END = re.compile(rf"[。！？｡]+{_CLOSERS}")
_INITIAL_OR_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“‘«.])"
    r"(?:[^\W\d_]|approx|ca|cf|fig|vol|chap|sect|eds?|tel|ext|mme|mlle|mgr|sra|srta|bzw|usw|nr)"
    r"\.\s+$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(rf"[.!?…。！？｡:;؟।]{_CLOSERS}$")
_JOINS_PREVIOUS = regex.compile(r"[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]")
_WINDOW = 2_000
"""Characters that sentencex gets at once: its cost grows with the square of the length."""

_GRAPHEME = regex.compile(r"\X")


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of ``text``; spaces are single, and a newline ends each inner line."""
    lines: list[str] = []
    for line in [*text.replace("\u2029", "\n\n").splitlines(), ""]:
        tidy = " ".join(line.split())
        if tidy:
            lines.append(tidy)
        elif lines:
            yield "\n".join(lines)
            lines.clear()


def sentence_ends(paragraph: str, *, language: str) -> list[int]:
    """Return the offsets in ``paragraph`` after each sentence and its space, the last included.

    The rules are those of sentencex for ``language``, with two changes. A sentence does not end
    after an initial, after some abbreviations that sentencex does not know, or before a word in
    lower case. It ends after CJK full stops in any language.
    """
    ends = {found.end() for found in _CJK_SENTENCE_END.finditer(paragraph)}
    ends.update(end for end in _segment_ends(paragraph, language) if not _continues(paragraph, end))
    ends.add(len(paragraph))
    return sorted(end for end in ends if is_between_graphemes(paragraph, end))


def ends_a_sentence(paragraph: str) -> bool:
    """Return whether ``paragraph`` ends with a sentence mark, which a heading does not."""
    return _SENTENCE_END.search(paragraph[-12:]) is not None


def clause_ends(paragraph: str, start: int, end: int) -> list[int]:
    """Return the offsets between ``start`` and ``end`` after each clause and each line."""
    found = (match.end() for match in _CLAUSE_END.finditer(paragraph, start, end))
    return [offset for offset in found if is_between_graphemes(paragraph, offset)]


def spaces(paragraph: str, start: int, end: int) -> Iterator[int]:
    """Yield the offsets between ``start`` and ``end`` after each space, the last one first."""
    offset = paragraph.rfind(" ", start, end)
    while offset >= 0:
        if is_between_graphemes(paragraph, offset + 1):
            yield offset + 1
        offset = paragraph.rfind(" ", start, offset)


def last_grapheme_end(paragraph: str, start: int, end: int) -> int:
    """Return the last offset up to ``end`` that cuts no grapheme cluster (Unicode, UAX #29).

    If the first cluster after ``start`` ends beyond ``end``, its end is the result.
    """
    position = start
    for cluster in _GRAPHEME.finditer(paragraph, start):
        if cluster.end() > end and position > start:
            break
        position = cluster.end()
        if position >= end:
            break
    return position


def is_between_graphemes(paragraph: str, offset: int) -> bool:
    """Return whether ``offset``, after a space or a punctuation mark, is between two clusters."""
    return not _JOINS_PREVIOUS.match(paragraph, offset)


def _segment_ends(paragraph: str, language: str) -> Iterator[int]:
    """Yield the offsets where sentencex ends a sentence, window by window.

    A window's last sentence may continue beyond it, so it is segmented again in the next window.
    """
    start = 0
    while start < len(paragraph):
        sentences = list(segment(language, paragraph[start : start + _WINDOW]))
        is_last = start + _WINDOW >= len(paragraph)
        complete = sentences if is_last or len(sentences) == 1 else sentences[:-1]
        for sentence in complete:
            start += len(sentence)
            if is_last or len(sentences) > 1:
                yield start


def _continues(paragraph: str, offset: int) -> bool:
    """Return whether the text after ``offset`` belongs to the sentence before it."""
    before = paragraph[max(0, offset - 12) : offset]
    if _INITIAL_OR_ABBREVIATION.search(before):
        return True
    return before.rstrip().endswith(".") and paragraph[offset : offset + 1].islower()
