import time
from itertools import pairwise

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from domain.text.chunking import plan_chunks, whole_text

texts = st.text(
    alphabet=st.one_of(
        st.sampled_from(list("ab .,;!?\n\t。，！？\u3000\u200d\u0301\ufe0f👨👩👧🇩🇪क्षि한")),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=300,
)


def texts_of(text: str, limit: int, language: str | None = None) -> list[str]:
    return [chunk.text for chunk in plan_chunks(text, limit=limit, language=language)]


def without_space(text: str) -> str:
    return "".join(text.split())


def graphemes(text: str) -> list[str]:
    return regex.findall(r"\X", text)


@given(text=texts, limit=st.integers(1, 60))
@example(text="a \u0301b", limit=1)
@example(text="x\u2029y\r\n\r\nz", limit=50)
def test_the_chunks_have_the_characters_of_the_text_except_for_white_space(
    text: str, limit: int
) -> None:
    assert without_space("".join(texts_of(text, limit))) == without_space(text)


@given(text=texts, limit=st.integers(1, 60))
def test_only_a_single_long_grapheme_exceeds_the_limit(text: str, limit: int) -> None:
    for chunk in texts_of(text, limit):
        assert len(chunk) <= limit or len(graphemes(chunk)) == 1


@given(text=texts.map(without_space), limit=st.integers(1, 60))
def test_cuts_no_grapheme(text: str, limit: int) -> None:
    pieces = texts_of(text, limit)

    assert [mark for piece in pieces for mark in graphemes(piece)] == graphemes("".join(pieces))


@given(text=texts, limit=st.integers(1, 60))
def test_chunks_are_numbered_from_zero_and_never_empty(text: str, limit: int) -> None:
    chunks = plan_chunks(text, limit=limit)

    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    assert all(chunk.text == chunk.text.strip() != "" for chunk in chunks)


@given(text=texts)
def test_a_text_that_fits_and_has_no_heading_is_one_chunk(text: str) -> None:
    line = " ".join(text.split())

    assert len(texts_of(line, 1000)) == (1 if line else 0)


def test_cuts_chinese_after_its_own_punctuation() -> None:
    text = "今天天气很好，我们一起去公园玩。你想来吗？当然想！那就出发吧，路上小心。" * 12
    assert len(text) >= 400

    pieces = texts_of(text, 60)

    assert all(piece[-1] in "。！？，" for piece in pieces)


def test_prefers_the_end_of_a_sentence_to_that_of_a_clause_in_chinese() -> None:
    pieces = texts_of("今天天气很好，我们去公园。" * 8, 30)

    assert all(piece.endswith("。") for piece in pieces)


def test_never_cuts_after_a_title_or_inside_a_price() -> None:
    text = "Dr. Smith paid $3.50 at 3 p.m. He left. " * 40

    for limit in range(50, 301, 10):
        for piece in texts_of(text, limit):
            assert not piece.endswith("Dr.")
            assert not regex.search(r"\$3\.?$", piece)
            assert piece.startswith(("Dr.", "He"))


@pytest.mark.parametrize(
    "sentence",
    [
        "I met J. R. R. Tolkien and W. H. Auden there.",
        "It is approx. 3.5 km from St. Louis to Mt. Vernon.",
        "We met at 9.30 a.m. on Jan. 5, e.g. with Prof. Chu.",
        "Version 2.0.1 costs 1,250.75 dollars, i.e. too much.",
        "Mr. and Mrs. Jones vs. the U.S. Army et al. went on.",
    ],
)
def test_abbreviations_initials_and_decimals_end_no_sentence(sentence: str) -> None:
    text = f"{sentence} {sentence}"

    assert texts_of(text, len(sentence)) == [sentence, sentence]


def test_keeps_every_grapheme_of_text_without_punctuation() -> None:
    text = "👨\u200d👩\u200d👧\u200d👦e\u0301🇫🇷👍🏽ñ" * 360
    assert len(text) >= 5_000

    pieces = texts_of(text, 100)

    assert [mark for piece in pieces for mark in graphemes(piece)] == graphemes(text)
    assert max(map(len, pieces)) <= 100


def test_neighbouring_short_sentences_share_a_chunk() -> None:
    assert texts_of("One. Two. Three. Four.", 50) == ["One. Two. Three. Four."]
    assert texts_of("One is here. Two is here.\n\nThree is here.", 27) == [
        "One is here. Two is here.",
        "Three is here.",
    ]


def test_prefers_the_end_of_a_paragraph_to_that_of_a_sentence() -> None:
    text = "First paragraph.\n\nSecond one. It has two sentences."

    assert texts_of(text, 49) == ["First paragraph.", "Second one. It has two sentences."]


def test_a_heading_has_a_chunk_of_its_own() -> None:
    assert texts_of("Chapter One\n\nIt was dark.", 300) == ["Chapter One", "It was dark."]


def test_cuts_a_long_sentence_at_its_clauses_then_at_spaces_then_inside_a_word() -> None:
    assert texts_of("When it rains, we stay at home and read", 20) == [
        "When it rains,",
        "we stay at home and",
        "read",
    ]
    assert texts_of("abcdefghij" * 3, 20) == ["abcdefghij" * 2, "abcdefghij"]


def test_prefers_the_end_of_a_line_to_a_space() -> None:
    text = "Shall I compare thee to a day\nThou art more lovely and more"

    assert texts_of(text, 40) == ["Shall I compare thee to a day", "Thou art more lovely and more"]


def test_a_chunk_has_neither_line_breaks_nor_runs_of_spaces() -> None:
    assert texts_of("One  two\nthree\t four.", 50) == ["One two three four."]
    assert whole_text("One  two\n\nthree.")[0].text == "One two three."


@pytest.mark.parametrize(
    "text",
    [
        "Hello world. This is a sentence, of a kind. " * 23_000,
        "今天天气很好，我们去公园玩。" * 72_000,
        "a" * 1_000_000,
        "a b " * 250_000,
        "\n" + " " * 1_000_000 + "x",
        " \u0301" * 500_000,
    ],
    ids=["english", "chinese", "one word", "words", "spaces", "accents"],
)
def test_splits_a_megabyte_of_text_in_linear_time(text: str) -> None:
    """Quadratic scans took over a minute; a bound below 10 s would fail on a busy machine."""
    began = time.process_time()

    pieces = texts_of(text, 300)

    assert time.process_time() - began < 10
    assert without_space("".join(pieces)) == without_space(text)


def test_chunks_follow_the_text_and_none_could_take_the_next_one() -> None:
    text = "Alpha beta gamma, delta. " * 100

    pieces = texts_of(text, 60)
    offsets = [text.find(piece) for piece in pieces]

    assert -1 not in offsets
    assert all(len(a) + len(b) + 1 > 60 for a, b in pairwise(pieces))
