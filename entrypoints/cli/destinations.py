"""Formats and names of the files that ``speak`` writes."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import click
import regex

from domain.audio import AudioFormat, StreamFormat
from domain.errors import StorageFailed
from entrypoints.cli.texts import Text

STANDARD_OUTPUT = Path("-")

_ENDINGS = {
    **{f".{kind.value}": kind for kind in StreamFormat},
    ".ogg": StreamFormat.OPUS,
}
_FIRST_WORDS = 5
_LONGEST_NAME = 40
"""Characters; of at most four bytes each, they are below the 255 bytes of file systems."""


def format_of(out: Path | None, *, named: str | None, streams: bool) -> StreamFormat:
    """Return the format ``named``, or that of the ending of ``out``, or the usual one.

    Raises:
        click.UsageError: The ending belongs to no format, or to another one than ``named``.
    """
    if out == STANDARD_OUTPUT:
        return StreamFormat(named) if named else StreamFormat.WAV
    if out is None or not out.suffix:
        return StreamFormat(named) if named else StreamFormat.OPUS
    by_ending = _ENDINGS.get(out.suffix.lower())
    known = [ending for ending, kind in _ENDINGS.items() if streams or is_file_format(kind)]
    if by_ending is None or out.suffix.lower() not in known:
        also = " with --stream only" if by_ending else ""
        raise click.UsageError(
            f"--out: no format has the ending {out.suffix}{also};"
            f" use one of {' '.join(sorted(known))}"
        )
    if named and by_ending.value != named:
        raise click.UsageError(f"--out: {out.name} does not end like --format {named}")
    return by_ending


def is_file_format(kind: StreamFormat) -> bool:
    """Return whether finished files, and not only streams, can have this format."""
    return kind.value in {known.value for known in AudioFormat}


def files_in(folder: Path, texts: Sequence[Text], ending: str) -> list[Path]:
    """Return the path of a file in ``folder`` for each text, named after its text file.

    Raises:
        click.UsageError: Two of them would have one name.
    """
    paths = [folder / f"{text.file.stem if text.file else 'speech'}{ending}" for text in texts]
    for path in paths:
        if paths.count(path) > 1:
            raise click.UsageError(
                f"--out-dir: two texts would be written to {path.name}; speak them separately"
            )
    return paths


@contextmanager
def new_file(folder: Path, stem: str, ending: str) -> Generator[Path, None, None]:
    """Create a file of a readable name that is not taken; remove it again if it stays empty.

    Raises:
        StorageFailed: The folder cannot be written.
    """
    path = _reserved(folder, stem, ending)
    try:
        yield path
    finally:
        if path.exists() and not path.stat().st_size:
            path.unlink()


def readable_stem(text: Text) -> str:
    """Return a file name without its ending, made of the text file or of the first words."""
    if text.file:
        return text.file.stem
    words = regex.findall(r"[\p{L}\p{M}\p{N}]+", text.content[:1_000])[:_FIRST_WORDS]
    return "-".join(["speech", *(word.lower() for word in words)])[:_LONGEST_NAME].rstrip("-")


def _reserved(folder: Path, stem: str, ending: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            path = folder / f"{stem}{f'-{number}' if number > 1 else ''}{ending}"
            try:
                path.touch(exist_ok=False)
            except FileExistsError:
                continue
            return path
    except OSError as error:
        raise StorageFailed(
            f"no file can be written in {folder} ({str(error.strerror).lower()}); name another"
            " place with --out"
        ) from error
    raise AssertionError("count() has no end")
