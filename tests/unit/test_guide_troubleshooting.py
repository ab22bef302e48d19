"""The guide to troubleshooting has every error code; pages quote what the product prints."""

import re

import pytest

from domain import errors
from entrypoints.runpod_worker import main  # noqa: F401 - the errors of the worker are defined there
from tests.docs.messages import is_printed
from tests.docs.pages import PAGES, ROOT

GUIDE = (ROOT / "docs" / "guides" / "troubleshooting.md").read_text()
TABLE = re.compile(r"^ *\| message \|.*\n *\|[-|]+\n((?: *\|.*\n)+)", re.MULTILINE)
MESSAGES = [
    row.split("`")[1]
    for page in PAGES
    for rows in TABLE.findall(page.read_text())
    for row in rows.splitlines()
]


def codes(kind: type[errors.SpeechError] = errors.SpeechError) -> set[str]:
    return {kind.code}.union(*(codes(below) for below in kind.__subclasses__()))


def test_every_code_has_a_section_and_no_other() -> None:
    section = GUIDE.partition("\n## A job failed\n")[2].partition("\n## ")[0]

    assert set(re.findall(r"^### `(\w+)`$", section, re.MULTILINE)) == codes()


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_that_a_page_quotes_is_one_that_the_product_prints(message: str) -> None:
    assert is_printed(message)


@pytest.mark.parametrize(
    "message",
    ["the disk is fool: …", "must be set to … must be", "weights are missing: …; run make"],
)
def test_a_message_that_nothing_prints_is_found(message: str) -> None:
    assert not is_printed(message)
