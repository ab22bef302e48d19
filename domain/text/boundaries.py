"""Where a text may be cut: at paragraphs, sentences, clauses, spaces, between graphemes."""

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
_GRAPHEME = regex.compile(r"\X")


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of ``text``, with single spaces inside and one newline for a line's end."""
    lines: list[str] = []
    for line in [*text.replace("\u2029", "\n\n").splitlines(), ""]:
        tidy = " ".join(line.split())
        if tidy:
            lines.append(tidy)
        elif lines:
            yield "\n".join(lines)
            lines.clear()


def sentence_ends(paragraph: str, *, language: str) -> list[int]:
    """Offsets in ``paragraph`` just after each sentence and its space, the last one included.

    Rests on sentencex's rules for ``language``; takes back its cuts after initials, after a few
    abbreviations it does not know, and before a word that goes on in lower case, and adds the
    CJK full stops that a text in another language may quote.
    """
    ends = {found.end() for found in _CJK_SENTENCE_END.finditer(paragraph)}
    ends.update(end for end in _segment_ends(paragraph, language) if not _goes_on(paragraph, end))
    ends.add(len(paragraph))
    return sorted(end for end in ends if is_between_graphemes(paragraph, end))


def ends_a_sentence(paragraph: str) -> bool:
    """Whether ``paragraph`` closes with a mark that a voice falls at; a heading does not."""
    return _SENTENCE_END.search(paragraph[-12:]) is not None


def clause_ends(paragraph: str, start: int, end: int) -> list[int]:
    """Offsets between ``start`` and ``end`` just after each clause, or each line."""
    found = (match.end() for match in _CLAUSE_END.finditer(paragraph, start, end))
    return [offset for offset in found if is_between_graphemes(paragraph, offset)]


def spaces(paragraph: str, start: int, end: int) -> Iterator[int]:
    """Offsets between ``start`` and ``end`` just after each space, from the last to the first."""
    offset = paragraph.rfind(" ", start, end)
    while offset >= 0:
        if is_between_graphemes(paragraph, offset + 1):
            yield offset + 1
        offset = paragraph.rfind(" ", start, offset)


def last_grapheme_end(paragraph: str, start: int, end: int) -> int:
    """The last place at or before ``end`` that cuts no grapheme cluster (UAX #29).

    The first cluster stays whole even where it alone reaches past ``end``.
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
    """Whether a cut at ``offset``, after a space or a mark of punctuation, cuts no cluster."""
    return not _JOINS_PREVIOUS.match(paragraph, offset)


def _segment_ends(paragraph: str, language: str) -> Iterator[int]:
    """Where sentencex ends sentences, asked a window at a time: its cost grows with the square."""
    start = 0
    while start < len(paragraph):
        sentences = list(segment(language, paragraph[start : start + _WINDOW]))
        is_last = start + _WINDOW >= len(paragraph)
        sure = sentences if is_last or len(sentences) == 1 else sentences[:-1]
        for sentence in sure:
            start += len(sentence)
            if is_last or len(sentences) > 1:
                yield start


def _goes_on(paragraph: str, offset: int) -> bool:
    before = paragraph[max(0, offset - 12) : offset]
    if _INITIAL_OR_ABBREVIATION.search(before):
        return True
    return before.rstrip().endswith(".") and paragraph[offset : offset + 1].islower()
