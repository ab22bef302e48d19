"""``indextts-runpod voices``: the recordings that can be cloned."""

from pathlib import Path

import click

from application.references import References, VoiceEntry
from domain.errors import BadReference
from domain.voice import voice_name
from entrypoints.cli.main import JOB_FAILED
from entrypoints.cli.start import start
from entrypoints.results import voice_list


@click.group()
def voices() -> None:
    """List, add and check voices."""


@voices.command("list")
@click.option("--json", "as_json", is_flag=True, help="print what the worker would answer")
def list_voices(as_json: bool) -> None:
    """List all voices with their duration."""
    _, container = start()
    entries = list(container.references().entries())
    if as_json:
        click.echo(voice_list(entries).model_dump_json(exclude_none=True))
        return
    _print(entries)


@voices.command()
@click.argument("recording", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", help="what to call the voice; sub-folders allowed [the file's name]")
def add(recording: Path, name: str | None) -> None:
    """Check RECORDING and copy it into the voices folder."""
    _, container = start()
    content = _read(recording)
    file = f"{name or voice_name(recording.name)}{recording.suffix.lower()}"
    reference = container.references().examine(content, name=voice_name(file), file=recording.name)
    container.voices().add(file, content)
    for warning in reference.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"added {file}: use it with --voice {voice_name(file)}")


@voices.command()
@click.argument("names", nargs=-1)
def check(names: tuple[str, ...]) -> int:
    """Check voices by NAME, or recordings by path, or all voices; fails if one cannot be used."""
    _, container = start()
    references = container.references()
    entries = [_checked(name, references) for name in names] or list(references.entries())
    _print(entries)
    return JOB_FAILED if any(entry.problem for entry in entries) else 0


def _checked(name: str, references: References) -> VoiceEntry:
    path = Path(name)
    try:
        if path.is_file():
            found = references.examine(_read(path), name=path.name, file=path.name)
        else:
            found = references.find(name)
    except BadReference as error:
        return VoiceEntry(name, path.name, 0.0, error.message)
    recording = found.recording
    return VoiceEntry(name, recording.file, recording.waveform.duration_seconds)


def _read(recording: Path) -> bytes:
    try:
        return recording.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{recording} cannot be read: {error.strerror}") from error


def _print(entries: list[VoiceEntry]) -> None:
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        verdict = entry.problem or f"{entry.duration_seconds:6.2f} s  {entry.file}"
        click.echo(f"{entry.name:<{width}}  {verdict}")
