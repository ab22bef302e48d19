"""The texts of ``speak``: from the command line, standard input, files and folders."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

_STANDARD_INPUT = Path("-")
_TEXT_ENDINGS = (".txt", ".md")
_NO_TEXT = 'give a TEXT, or --file, or a text on standard input: speak "Hello."'


@dataclass(frozen=True, slots=True)
class Text:
    """A text to speak, and its file, if it came from one."""

    content: str
    file: Path | None = None


def read_texts(text: str | None, files: Sequence[Path]) -> list[Text]:
    """Read all texts; folders stand for the text files in them, in their natural order.

    Raises:
        click.UsageError: There is no text, there are two sources, or a source cannot be read.
    """
    if text is not None and files:
        raise click.UsageError("give a TEXT or --file, not both")
    if files:
        return [_read(file) for given in files for file in _expanded(given)]
    if text is not None and text != str(_STANDARD_INPUT):
        return [Text(text)]
    if text is None and sys.stdin.isatty():
        raise click.UsageError(_NO_TEXT)
    piped = _read(_STANDARD_INPUT)
    if text is None and not piped.content.strip():
        raise click.UsageError(_NO_TEXT)
    return [piped]


def _expanded(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = [file for file in path.iterdir() if file.suffix.lower() in _TEXT_ENDINGS]
    if not found:
        raise click.UsageError(f"--file: there is no {' or '.join(_TEXT_ENDINGS)} file in {path}")
    return sorted(found, key=_natural_order)


def _natural_order(path: Path) -> list[tuple[int, str]]:
    """Sort "chapter 2" before "chapter 10"."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part.casefold())
        for part in re.split(r"(\d+)", path.name)
    ]


def _read(path: Path) -> Text:
    is_piped = path == _STANDARD_INPUT
    name = "standard input" if is_piped else f"--file: {path}"
    try:
        content = sys.stdin.buffer.read() if is_piped else path.read_bytes()
        return Text(content.decode("utf-8-sig"), None if is_piped else path)
    except OSError as error:
        raise click.UsageError(f"{name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{name} is not UTF-8 at byte {error.start}") from error
