"""The reference of log events lists what the source logs."""

import re
from dataclasses import fields

import pytest

from application.voice_sync import VoiceSyncReport
from application.warm_up import WarmUp
from tests.docs.log_events import Event, events
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "reference" / "log-events.md"
ROWS = {
    name: (level, set(re.findall(r"`(\w+)`", fields)))
    for name, level, fields in re.findall(
        r"^\| `(\w+)` \| (.+?) \| (.*?) \| .+ \|$", PAGE.read_text(), re.MULTILINE
    )
}
EVENTS = events()


def row_of(name: str, event: Event) -> str:
    """Return the row that the page should have, but for the last cell."""
    fields = ", ".join(f"`{each}`" for each in sorted(event.fields))
    return f"| `{name}` | {', '.join(sorted(event.levels))} | {fields} | … |"


def test_every_event_is_on_the_page_and_no_other() -> None:
    missing = [
        f"add to {PAGE.name}: {row_of(name, event)}  ({', '.join(event.places)})"
        for name, event in EVENTS.items()
        if name not in ROWS
    ]
    left_over = [f"nothing logs {name}: remove its row" for name in ROWS if name not in EVENTS]

    assert not missing + left_over, "\n".join(missing + left_over)


@pytest.mark.parametrize("name", sorted(set(EVENTS) & set(ROWS)))
def test_a_row_has_the_levels_and_the_fields_of_its_event(name: str) -> None:
    level, named = ROWS[name]
    event = EVENTS[name]

    assert level == ", ".join(sorted(event.levels)), row_of(name, event)
    if event.is_open:
        assert event.fields <= named, row_of(name, event)
    else:
        assert event.fields == named, row_of(name, event)


@pytest.mark.parametrize(("name", "report"), [("voice_sync", VoiceSyncReport), ("warm_up", WarmUp)])
def test_a_row_has_the_fields_of_the_report_that_is_logged(name: str, report: type) -> None:
    assert ROWS[name][1] == {"took"} | {field.name for field in fields(report)}
