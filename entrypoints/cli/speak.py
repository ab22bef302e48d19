"""``indextts-runpod speak``: texts into audio files, from a terminal."""

from pathlib import Path
from typing import Any

import click

from domain.audio import AudioFormat
from domain.errors import InvalidRequest
from entrypoints.cli.destinations import format_of, is_file_format
from entrypoints.cli.fields import OUTPUT, TEXT, field_options, option_of
from entrypoints.cli.help_groups import GroupedCommand, GroupedOption
from entrypoints.cli.order import Order, require_a_file_each, require_compatible
from entrypoints.cli.piping import Piping
from entrypoints.cli.player import Player, find_player
from entrypoints.cli.speaking import Speaking
from entrypoints.cli.speech_progress import SpeechProgress, manner
from entrypoints.cli.start import start
from entrypoints.cli.texts import Text, read_texts
from entrypoints.parsing import parse
from entrypoints.schemas import SpeechInput
from entrypoints.settings.settings import Settings

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
    " --format names another format)",
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
    help="print a line for each chunk, in a pipe as well",
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
    """Speak a text into an audio file.

    The text is TEXT, a file or standard input; the path of the audio is printed. Without --out the
    audio is a new file in this folder (or in OUTPUT_AUDIO_DIR where that is
    set), named after its first words. With --stream it is written while it is spoken; with
    --stream --json every piece is printed as the worker would send it, one JSON object a line.
    """
    fields = {name: value for name, value in options.items() if value is not None}
    require_compatible(fields, out=out, out_dir=out_dir, plays=plays, as_json=as_json)
    is_kept = not plays or bool(out or out_dir or as_json or "session_id" in fields)
    named = fields.get("audio_format") or (None if is_kept else AudioFormat.WAV.value)
    audio_format = format_of(out, named=named, streams=bool(fields.get("stream")))
    player_command = find_player() if plays else None
    texts = read_texts(text, files)
    require_a_file_each(texts, out=out, out_dir=out_dir, fields=fields)
    settings, container = start()
    if is_file_format(audio_format):
        fields["audio_format"] = audio_format.value
    jobs = [_job(fields, each, limit=settings.max_text_chars) for each in texts]
    order = Order(
        out=out,
        out_dir=out_dir,
        new_files_folder=out_dir or _usual_folder(settings),
        uses_store=settings.object_store == "s3",
        audio_format=audio_format,
        as_json=as_json,
        is_kept=is_kept,
    )
    with SpeechProgress(
        model=container.model(),
        texts=len(texts),
        manner=manner(as_json=as_json, verbose=verbose),
    ) as progress:
        speaking = Speaking(
            order=order,
            use_case=container.local_speak,
            named_file=container.named_file_store,
            piping=Piping(
                speak=container.local_speak(),
                encoder=container.encoder(),
                stream_encoder=container.stream_encoder(),
            ),
            player=Player(player_command, container.decoder()) if player_command else None,
            progress=progress,
        )
        speaking.all(list(zip(texts, jobs, strict=True)))


def _usual_folder(settings: Settings) -> Path:
    """Return OUTPUT_AUDIO_DIR if it is set, else the current folder."""
    is_set = "output_audio_dir" in settings.model_fields_set
    return settings.output_audio_dir if is_set else Path.cwd()


def _job(fields: dict[str, Any], text: Text, *, limit: int) -> SpeechInput:
    """Make a job of the fields and one text.

    Raises:
        click.UsageError: Options are wrong; the message names each of them.
    """
    try:
        return parse(SpeechInput, {**fields, "text": text.content}, max_text_chars=limit)
    except InvalidRequest as error:
        problems = "; ".join(
            f"{text.file if field == 'text' and text.file else option_of(field)} {problem}"
            for field, problem in error.problems
        )
        raise click.UsageError(problems) from None
