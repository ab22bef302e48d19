"""Every command of the documentation is one that its program takes.

Commands that are run as printed: README's in ``tests/e2e/test_readme.py``, those of the guides to
your own machine, to first requests and to adding an engine in the e2e tests of these guides.
"""

import re
from collections.abc import Iterable

import pytest
import yaml

from tests.docs.pages import BLOCKS, SPANS, Block, Span
from tests.docs.problem import Problem
from tests.docs.programs import check, is_known
from tests.docs.shell import Command, commands

LANGUAGES = {"sh", "env", "json", "yaml", "python", "diff", "text", "mermaid"}
SHELL_BLOCKS = [block for block in BLOCKS if block.language == "sh"]
NAMED = re.compile(r"(?:[A-Z_0-9]+=\S+ )*([\w./-]+)( .+)?")
SHELLS_OWN = {"HOME", "PATH", "PWD"}


def is_command(span: Span) -> bool:
    """Return whether the inline code tells a known program something."""
    found = NAMED.fullmatch(span.text)
    return bool(found and found[2] and is_known(found[1]))


def check_all(found: Iterable[Command]) -> None:
    for command in found:
        if command.words:
            check(command.words)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_says_what_it_is(block: Block) -> None:
    assert block.language in LANGUAGES


@pytest.mark.parametrize("block", SHELL_BLOCKS, ids=str)
def test_a_program_takes_what_a_block_tells_it(block: Block) -> None:
    check_all(commands(block.text))


@pytest.mark.parametrize("span", [span for span in SPANS if is_command(span)], ids=str)
def test_a_program_takes_what_a_sentence_tells_it(span: Span) -> None:
    for command in commands(span.text):
        check(command.words, is_whole=False)


@pytest.mark.parametrize("block", SHELL_BLOCKS, ids=str)
def test_a_variable_of_a_block_was_set_on_its_page(block: Block) -> None:
    earlier = "".join(
        other.text
        for other in SHELL_BLOCKS
        if other.page == block.page and other.line <= block.line
    )
    used = re.findall(r"\$\{?(\w+)", block.text)

    assert set(used) <= set(re.findall(r"\b(\w+)=", earlier)) | SHELLS_OWN


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language in ("python", "yaml")], ids=str
)
def test_a_program_or_a_yaml_file_of_a_page_can_be_read(block: Block) -> None:
    if block.language == "python":
        compile(block.text, str(block), "exec")
    else:
        assert yaml.safe_load(block.text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("indextts-runpod speek Hello", "there is no command speek"),
        ("indextts-runpod speak Hello --voise bob", "No such option"),
        ("indextts-runpod speak Hello --format ogv", "Invalid value"),
        ("indextts-runpod voices add", "Missing argument"),
        ("python -m entrypoints.cli speek", "there is no command speek"),
        ("python -m benchmarks.none", "there is no module"),
        ("python -m benchmarks.indextts2 --sice tiny", "has no option --sice"),
        ("make runn", "the Makefile has no runn"),
        ("make run TEKST=Hello", "the Makefile has no TEKST"),
        ("pip install -e '.[gramars]'", "neither an extra"),
        ("pip install indextts-runpod", "neither an extra"),
        ("cat notes.txt", "cat is no program"),
        ("true && echo $(cat notes.txt)", "cat is no program"),
        ("git push", "git push is not among"),
        ("""curl -s "$BASE/runsync" -d '{"input": {"text": "Hi", "voice": "x"}}'""", "no job"),
        ("""curl -s "$BASE/runsync" -d '{"input": {"text": "Hi",}}'""", "no job"),
        ("""curl -s "$BASE/ran" -d '{"input": {"text": "Hi"}}'""", "no address of the API"),
        ("curl -s $BASE/runsync", "a job is one -d"),
    ],
)
def test_a_wrong_command_is_found(text: str, problem: str) -> None:
    found = list(commands(text))

    with pytest.raises(Problem, match=re.escape(problem)):
        check_all(found)


def test_shell_text_is_cut_into_its_commands() -> None:
    text = "A=1 one 'two; # 3' \\\n  four  # it's five\nsix | seven > eight && nine $(ten)"

    assert list(commands(text)) == [
        Command({}, ("ten",)),
        Command({"A": "1"}, ("one", "two; # 3", "four")),
        Command({}, ("six",)),
        Command({}, ("seven",)),
        Command({}, ("nine", "SUBSTITUTED")),
    ]
