"""What every error promises to the person and the machine that read it."""

import pytest

from domain.errors import (
    LONGEST_ERROR,
    DeviceLost,
    InvalidRequest,
    OutOfMemory,
    SpeechError,
    StorageFailed,
    SynthesisFailed,
    UnknownVoice,
    printable,
)


def test_an_error_has_at_most_2000_characters() -> None:
    assert LONGEST_ERROR == 2_000
    for error in (
        StorageFailed("x" * 5_000),
        InvalidRequest("field", "x" * 1_000_000),
        UnknownVoice("v" * 1_000_000, ["n" * 1_000] * 100),
        SpeechError("\ud800" * 2_000),
    ):
        assert len(str(error)) <= LONGEST_ERROR


def test_a_long_error_keeps_its_beginning_and_its_end() -> None:
    shown = str(StorageFailed(f"the bucket is down {'x' * 5_000}; the audio is kept as a.ogg"))

    assert shown.startswith("storage_failed: the bucket is down xxx")
    assert shown.endswith("; the audio is kept as a.ogg")
    assert "…" in shown


def test_an_error_at_the_limit_is_not_cut() -> None:
    message = "x" * (LONGEST_ERROR - len("out_of_memory: "))

    assert OutOfMemory(message).message == message


@pytest.mark.parametrize(
    "character", ["\ud800", "\x1b", "\x9b", "\u202e", "\u2028", "\n", "\0", "\x7f", "\ue000"]
)
def test_an_error_is_one_line_that_can_be_sent_and_shown(character: str) -> None:
    shown = str(UnknownVoice("bob", [f"ali{character}ce"]))

    assert shown.isprintable()
    shown.encode()
    assert "ali\\" in shown


def test_an_error_keeps_every_script() -> None:
    assert UnknownVoice("x", ["你好", "мир", "🙂"]).message.endswith("available: 你好, мир, 🙂")


def test_a_lost_device_is_a_failed_synthesis() -> None:
    assert isinstance(DeviceLost("the GPU failed"), SynthesisFailed)
    assert str(DeviceLost("the GPU failed")) == "synthesis_failed: the GPU failed"


def test_several_problems_are_one_message() -> None:
    assert InvalidRequest.of([("a", "is odd"), ("b", "is even")]).message == (
        "a: is odd; b: is even"
    )
    assert InvalidRequest.of([("a", "is odd")], unlisted=1).message == (
        "a: is odd; and 1 more problem"
    )
    assert InvalidRequest.of([("a", "is odd")], unlisted=19_990).message == (
        "a: is odd; and 19990 more problems"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("short", "'short'"),
        ("it's\n", '"it\'s\\n"'),
        ("x" * 100_000_000, f"'{'x' * 79}…"),
        (10**79, f"1{'0' * 79}"),
        (-(10**400), "a number of 401 digits"),
        (10**5_000 - 1, "a number of 5000 digits"),
        (1e308, "1e+308"),
        (True, "True"),
    ],
    ids=lambda value: str(value)[:12] if isinstance(value, str) else type(value).__name__,
)
def test_a_value_is_shown_in_a_line_of_bounded_length(value: object, shown: str) -> None:
    assert printable(value) == shown
