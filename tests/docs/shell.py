"""Shell text of the documentation, cut into the commands that it runs.

It reads what the pages use: quotes, comments, continued lines, pipes, lists, redirections and
``$(...)``. Loops, conditions and functions are not read: the word that begins one is no program.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

_OPERATORS = ";<>|&()\n"
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SUBSTITUTION = re.compile(r"\$\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Command:
    """One command: the variables that it sets, and its words, of which the first is the program."""

    assigned: dict[str, str]
    words: tuple[str, ...]


def commands(text: str) -> Iterator[Command]:
    """Yield the commands of ``text`` in their order; those inside of ``$(...)`` come first.

    Raises:
        ValueError: ``text`` has an open quote, a backtick or a bracket.
    """
    text = _without_comments(text.replace("\\\n", " "))
    if "`" in text:
        raise ValueError("write $(...) instead of backticks")
    for inner in _SUBSTITUTION.findall(text):
        yield from commands(inner)
    lexer = shlex.shlex(
        _SUBSTITUTION.sub("SUBSTITUTED", text), posix=True, punctuation_chars=_OPERATORS
    )
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t\r", "", True
    words: list[str] = []
    is_target = False
    for token in lexer:
        if set(token) <= set(_OPERATORS):
            if set(token) & set("()"):
                raise ValueError(f"brackets are not read: {text}")
            is_target = set(token) <= set("<>")
            if not is_target:
                yield from _command(words)
                words = []
        elif is_target:
            is_target = False
        else:
            words.append(token)
    yield from _command(words)


def _command(words: list[str]) -> Iterator[Command]:
    assigned = {}
    while words and (found := _ASSIGNMENT.fullmatch(words[0])):
        assigned[found[1]] = found[2]
        words = words[1:]
    if words or assigned:
        yield Command(assigned, tuple(words))


def _without_comments(text: str) -> str:
    kept, quote, before, is_comment = [], "", "\n", False
    for character in text:
        if is_comment:
            is_comment = character != "\n"
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            is_comment = character == "#" and before in " \t\n"
        if not is_comment:
            kept.append(character)
        before = character
    if quote:
        raise ValueError(f"a quote is not closed: {text}")
    return "".join(kept)
