"""A short run of each fuzz program; ``tests/fuzz`` tells how to run a long one."""

from pathlib import Path

from tests.fuzz import recordings, voices_folder


def test_damaged_recordings_are_decoded_or_refused() -> None:
    found = recordings.fuzz(count=150, seed=7)

    assert found.outcomes["decoded"] > 20
    assert found.outcomes.total() == 150


def test_a_folder_that_changes_meanwhile_gives_answers_or_promised_errors(tmp_path: Path) -> None:
    outcomes = voices_folder.fuzz(count=100, seed=7, folder=tmp_path)

    assert outcomes["count: answered"] > 0
    assert {outcome.split(": ")[1] for outcome in outcomes} <= {
        "answered",
        "unknown_voice",
        "bad_reference",
    }
