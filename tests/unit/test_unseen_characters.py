import pytest

from domain.errors import BadReference, UnknownVoice, printable

UNSEEN = [
    "\x1b[31m",
    "\x9b31m",
    "a\nb",
    "\x85",
    "\u202egnp",
    "\u2066x\u2069",
    "\u2028",
    "\u200b",
    "\ufeff",
    "\u3164",
    "\u2800",
    "\ud800",
    "\U000e0041",
]


@pytest.mark.parametrize("text", UNSEEN)
def test_what_a_terminal_would_obey_or_hide_is_escaped(text: str) -> None:
    for shown in (
        printable(text),
        printable([text]),
        BadReference(f"{text} is silent").message,
        str(UnknownVoice("x", [text])),
    ):
        assert shown.isprintable()
        assert not set(shown) & set("\u3164\u2800")
        shown.encode()


def test_joiners_are_kept_where_a_script_needs_them() -> None:
    assert "می\u200cخواهم" in BadReference("می\u200cخواهم is silent").message
    assert printable("a\u200cb") == r"'a\u200cb'"


def test_what_can_be_seen_stays_as_it_is() -> None:
    assert BadReference("José\N{NO-BREAK SPACE}爱.wav is silent").message == (
        "José\N{NO-BREAK SPACE}爱.wav is silent"
    )
