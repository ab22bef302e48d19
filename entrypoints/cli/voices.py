"""``indextts-runpod voices``: the recordings that can be cloned."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from application.ports.voices import VoiceReader, VoiceRepository
from application.references import References, VoiceEntry
from domain.errors import BadReference, UnknownVoice
from domain.recording_limits import LARGEST_FILE_BYTES
from domain.voice import EXTENSIONS, is_voice_file, voice_name
from entrypoints.cli.start import start
from entrypoints.exit_codes import JOB_FAILED
from entrypoints.recording_warnings import recording_warnings
from entrypoints.rendering import voice_list

_ENDINGS = ", ".join(ending.removeprefix(".") for ending in EXTENSIONS)


@click.group()
def voices() -> None:
    """List, add, check, remove and rename voices."""


@voices.command("list")
@click.option(
    "--json", "as_json", is_flag=True, help="print the result of the worker's list_voices"
)
def list_voices(*, as_json: bool) -> None:
    """List all voices with their duration."""
    _, container = start()
    entries = list(container.references().entries())
    if as_json:
        click.echo(voice_list(entries).model_dump_json(exclude_none=True))
        return
    _print(entries)
    _print_shadowed(container.voices())


@voices.command()
@click.argument("recording", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", help="what to call the voice; sub-folders allowed [the file's name]")
@click.option("--replace", is_flag=True, help="replace a voice of this name")
def add(*, recording: Path, name: str | None, replace: bool) -> None:
    """Check RECORDING and copy it into the voices folder.

    Five to fifteen seconds of one person speaking, without music or noise, make the best voice.
    A recording that measures otherwise is added with a warning.
    """
    _, container = start()
    content = _read(recording)
    voice = voice_name(name) if name and is_voice_file(name) else name
    file = f"{voice or voice_name(recording.name)}{recording.suffix.lower()}"
    reference = container.references().examine(content, name=voice_name(file), file=recording.name)
    container.voices().add(file, content, replaces=replace)
    for warning in recording_warnings(reference):
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"added {file}: use it with --voice {shlex.quote(voice_name(file))}")


@voices.command()
@click.argument("names", nargs=-1)
def check(names: tuple[str, ...]) -> int:
    """Check voices by NAME, or recordings by path, or all voices; fail if one cannot be used.

    Recordings that do not sound like one person speaking clearly get a warning.
    """
    _, container = start()
    references = container.local_references()
    repository = container.voices()
    known = [voice_name(file) for file in repository.list()]
    entries = [_checked(name, references) for name in names or known]
    _print(entries)
    if not names:
        _print_shadowed(repository)
    return JOB_FAILED if any(entry.problem for entry in entries) else 0


@voices.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove the recording of the voice NAME from the voices folder."""
    settings, container = start()
    repository = container.voices()
    file = repository.remove(name)
    click.echo(f"removed {file}")
    _print_new_meaning(file, repository, default_voice=settings.default_voice)


@voices.command()
@click.argument("old")
@click.argument("new")
def rename(old: str, new: str) -> None:
    """Call the voice OLD by the name NEW; its recording keeps its ending."""
    settings, container = start()
    repository = container.voices()
    before = repository.read(old).file
    file = repository.rename(old, new)
    click.echo(f"renamed {before} to {file}: use it with --voice {shlex.quote(voice_name(file))}")
    _print_new_meaning(before, repository, default_voice=settings.default_voice)


def _print_new_meaning(file: str, repository: VoiceReader, *, default_voice: str) -> None:
    """Print which recording has the name of ``file`` now, after ``file`` is gone."""
    name = voice_name(file)
    try:
        now = repository.read(name).file
    except UnknownVoice:
        if default_voice in (name, file):
            click.echo(f"warning: DEFAULT_VOICE is {name}; set it to another voice", err=True)
    else:
        click.echo(f"{name} means {now} now", err=True)


def _checked(name: str, references: References) -> VoiceEntry:
    try:
        found = references.find(name)
    except (BadReference, UnknownVoice) as error:
        return VoiceEntry(name, Path(name).name, 0.0, error.message)
    for warning in recording_warnings(found):
        click.echo(f"warning: {name}: {warning}", err=True)
    recording = found.recording
    return VoiceEntry(name, recording.file, recording.waveform.duration_seconds)


def _read(recording: Path) -> bytes:
    try:
        if recording.stat().st_size > LARGEST_FILE_BYTES:
            raise BadReference(f"{recording.name} is no recording of at most 64 MB")
        return recording.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{recording} cannot be read: {error.strerror}") from error


def _print(entries: Sequence[VoiceEntry]) -> None:
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        summary = entry.problem or f"{entry.duration_seconds:6.2f} s  {entry.file}"
        click.echo(f"{entry.name:<{width}}  {summary}")


def _print_shadowed(repository: VoiceRepository) -> None:
    for file, other in repository.shadowed().items():
        click.echo(
            f"{file} is shadowed by {other}: of one name, the first of {_ENDINGS} is taken",
            err=True,
        )
