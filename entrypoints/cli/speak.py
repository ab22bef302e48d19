"""``indextts-runpod speak``: the worker's use case from a terminal."""

from pathlib import Path
from typing import Any

import click

from domain.audio import AudioFormat
from domain.errors import InvalidRequest
from entrypoints.cli.destinations import STANDARD_OUTPUT, format_of, is_file_format
from entrypoints.cli.fields import OUTPUT, TEXT, field_options, option_of
from entrypoints.cli.help_groups import GroupedCommand, GroupedOption
from entrypoints.cli.player import find_player
from entrypoints.cli.speaking import Order, Speaking
from entrypoints.cli.speech_progress import SpeechProgress, manner
from entrypoints.cli.start import start
from entrypoints.cli.texts import Text, read_texts
from entrypoints.parsing import parse
from entrypoints.schemas import SpeechInput

_EXAMPLES = """\b
Examples:
  indextts-runpod speak "Hello." --play
  indextts-runpod speak -f chapter.txt -o chapter.mp3 -v alice
  indextts-runpod speak -f book/ --out-dir audio --format m4a
  echo "Hello." | indextts-runpod speak --stream -o - | aplay
"""


@click.command(cls=GroupedCommand, epilog=_EXAMPLES)
@click.argument("text", required=False)
@click.option(
    *("--file", "-f", "files"),
    cls=GroupedOption,
    group=TEXT,
    multiple=True,
    type=click.Path(path_type=Path),
    help="read the text from a file, or from each .txt and .md file of a folder; may be repeated",
)
@click.option(
    *("--out", "-o"),
    cls=GroupedOption,
    group=OUTPUT,
    type=click.Path(path_type=Path),
    help="file for the audio, whose ending chooses the format; - is standard output (wav unless"
    " --format says otherwise)",
)
@click.option(
    "--out-dir",
    cls=GroupedOption,
    group=OUTPUT,
    type=click.Path(path_type=Path, file_okay=False),
    help="folder for the audio of several files, one each, named after them",
)
@click.option(
    *("--play", "plays"),
    cls=GroupedOption,
    group=OUTPUT,
    is_flag=True,
    help="play the speech when it is finished; without --out nothing is kept",
)
@click.option(
    *("--json", "as_json"),
    cls=GroupedOption,
    group=OUTPUT,
    is_flag=True,
    help="print the worker's result and nothing else",
)
@click.option(
    "--verbose",
    cls=GroupedOption,
    group=OUTPUT,
    is_flag=True,
    help="tell of each chunk in a line of its own, in a pipe as well",
)
@field_options
def speak(
    *,
    text: str | None,
    files: tuple[Path, ...],
    out: Path | None,
    out_dir: Path | None,
    plays: bool,
    as_json: bool,
    verbose: bool,
    **options: Any,
) -> None:
    """Speak TEXT, a file, or standard input, and print where the audio is.

    Without --out the audio is a new file in this folder (or in OUTPUT_AUDIO_DIR where that is
    set), named after its first words. With --stream it is written while it is spoken; with
    --stream --json every piece is printed as the worker would send it, one JSON object a line.
    """
    fields = {name: value for name, value in options.items() if value is not None}
    _require_compatible(fields, out=out, out_dir=out_dir, plays=plays, as_json=as_json)
    is_kept = not plays or bool(out or out_dir or as_json or "session_id" in fields)
    named = fields.get("audio_format") or (None if is_kept else AudioFormat.WAV.value)
    audio_format = format_of(out, named=named, streams=bool(fields.get("stream")))
    player = find_player() if plays else None
    texts = read_texts(text, files)
    _require_room(texts, out=out, out_dir=out_dir, fields=fields)
    settings, container = start()
    if is_file_format(audio_format):
        fields["audio_format"] = audio_format.value
    jobs = [_job(fields, each, limit=settings.max_text_chars) for each in texts]
    order = Order(
        out=out,
        out_dir=out_dir,
        audio_format=audio_format,
        as_json=as_json,
        player=player,
        is_kept=is_kept,
    )
    with SpeechProgress(
        model=container.model(),
        texts=len(texts),
        manner=manner(as_json=as_json, verbose=verbose),
    ) as progress:
        Speaking(container, settings, order, progress).all(list(zip(texts, jobs, strict=True)))


def _require_compatible(
    fields: dict[str, Any], *, out: Path | None, out_dir: Path | None, plays: bool, as_json: bool
) -> None:
    if out and out_dir:
        raise click.UsageError("give --out or --out-dir, not both")
    if out == STANDARD_OUTPUT and as_json:
        raise click.UsageError("--json and --out - both want standard output; leave one out")
    if out == STANDARD_OUTPUT and plays:
        raise click.UsageError("--play and --out - exclude one another; leave one out")
    if fields.get("stream") and as_json and (out or out_dir or plays):
        raise click.UsageError(
            "--stream --json prints the audio itself; leave out --out and --play"
        )


def _require_room(
    texts: list[Text], *, out: Path | None, out_dir: Path | None, fields: dict[str, Any]
) -> None:
    if len(texts) < 2:
        return
    if out or not out_dir:
        raise click.UsageError(f"{len(texts)} texts: give --out-dir FOLDER, for a file each")
    if "session_id" in fields:
        raise click.UsageError("--session-id names one file; leave it out with several texts")


def _job(fields: dict[str, Any], text: Text, *, limit: int) -> SpeechInput:
    """The fields and one text as a job.

    Raises:
        click.UsageError: names every option that is wrong.
    """
    try:
        return parse(SpeechInput, {**fields, "text": text.content}, max_text_chars=limit)
    except InvalidRequest as error:
        problems = "; ".join(
            f"{text.file if field == 'text' and text.file else option_of(field)} {problem}"
            for field, problem in error.problems
        )
        raise click.UsageError(problems) from None
