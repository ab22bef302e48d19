"""Where ``speak`` puts the audio, in which format, and under which name."""

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
"""Characters; at four bytes each they are far from the 255 that file systems take."""


def format_of(out: Path | None, *, named: str | None, streams: bool) -> StreamFormat:
    """The format that was named, or that the ending of ``out`` means, or the usual one.

    Raises:
        click.UsageError: the ending means no format, or another one than was named.
    """
    if out == STANDARD_OUTPUT:
        return StreamFormat(named) if named else StreamFormat.WAV
    if out is None or not out.suffix:
        return StreamFormat(named) if named else StreamFormat.OPUS
    meant = _ENDINGS.get(out.suffix.lower())
    known = [ending for ending, kind in _ENDINGS.items() if streams or is_file_format(kind)]
    if meant is None or out.suffix.lower() not in known:
        also = " with --stream only" if meant else ""
        raise click.UsageError(
            f"--out: no format has the ending {out.suffix}{also};"
            f" use one of {' '.join(sorted(known))}"
        )
    if named and meant.value != named:
        raise click.UsageError(f"--out: {out.name} does not end like --format {named}")
    return meant


def is_file_format(kind: StreamFormat) -> bool:
    """Whether finished files come in this format, too, and not streams only."""
    return kind.value in {known.value for known in AudioFormat}


def files_in(folder: Path, texts: Sequence[Text], ending: str) -> list[Path]:
    """One file in ``folder`` for each text file, named after it.

    Raises:
        click.UsageError: two of them would have one name.
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
    """A file of a readable name that nothing has yet; it goes where nothing is written to it.

    Raises:
        StorageFailed: the folder cannot be written.
    """
    path = _reserved(folder, stem, ending)
    try:
        yield path
    finally:
        if path.exists() and not path.stat().st_size:
            path.unlink()


def readable_stem(text: Text) -> str:
    """A file name without its ending that tells a person which text is spoken in it."""
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
    raise AssertionError("there is always a number that is free")
