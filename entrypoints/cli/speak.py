"""``indextts-runpod speak``: the worker's use case from a terminal."""

import base64
import sys
import uuid
import wave
from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, BinaryIO
from urllib.request import url2pathname

import click
from dependency_injector import providers

from application.utterance import ChunkWatcher
from domain.audio import AudioFormat
from domain.errors import InvalidRequest, StorageFailed
from entrypoints.cli.fields import field_options
from entrypoints.cli.start import start
from entrypoints.container import Container
from entrypoints.results import Metadata, StreamEnd, StreamPiece, batch_result
from entrypoints.schemas import SpeechInput, parse
from entrypoints.streaming import stream_objects

_FORMAT_OF_ENDING = {
    ".ogg": "opus",
    ".opus": "opus",
    **{f".{kind.value}": kind.value for kind in AudioFormat},
}


@click.command()
@click.argument("text", required=False)
@click.option(
    "--file", "text_file", type=click.Path(path_type=Path), help="read the text from a file"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="where to put the audio; its ending chooses the format; with --stream, - is raw PCM"
    " (16 bit, mono) on standard output",
)
@click.option("--json", "as_json", is_flag=True, help="print the worker's result and nothing else")
@field_options
def speak(
    text: str | None, text_file: Path | None, out: Path | None, as_json: bool, **options: Any
) -> None:
    """Speak TEXT, or standard input when TEXT is "-", and print where the audio is.

    With --stream the audio is written while it is spoken, as a wav file; with --stream --json
    every piece is printed as the worker would send it, one JSON object a line.
    """
    fields = {name: value for name, value in options.items() if value is not None}
    fields["text"] = _text(text, text_file)
    settings, container = start()
    if out is not None and not fields.get("stream"):
        fields.setdefault("audio_format", _format_of(out))
        _require_same_format(out, fields["audio_format"])
        container.store.override(providers.Object(container.named_file_store(path=out)))
    job = parse(SpeechInput, fields, max_text_chars=settings.max_text_chars)
    if job.stream:
        path = out or settings.output_audio_dir / f"{job.session_id or uuid.uuid4().hex}.wav"
        _stream(container, job, path, as_json=as_json)
    else:
        _store(container, job, as_json=as_json)


def _store(container: Container, job: SpeechInput, *, as_json: bool) -> None:
    with ExitStack() as stack:
        spoken = container.speak().into_store(
            job.to_request(), job_id=uuid.uuid4().hex, watch=_progress_bar(stack)
        )
    result = batch_result(spoken, emo_alpha=job.emo_alpha)
    if as_json:
        click.echo(result.model_dump_json())
        return
    _summarise(result.metadata)
    click.echo(url2pathname(result.url.removeprefix("file://")))


def _stream(container: Container, job: SpeechInput, path: Path, *, as_json: bool) -> None:
    utterance = container.speak().utterance(job.to_request())
    with closing(stream_objects(utterance, emo_alpha=job.emo_alpha)) as objects:
        if as_json:
            for piece in objects:
                click.echo(piece.model_dump_json())
        elif path == Path("-"):
            _summarise(_copy_pcm(objects, sys.stdout.buffer))
        else:
            _summarise(_write_wav(objects, path, rate_hz=utterance.sample_rate_hz))
            click.echo(path)


def _copy_pcm(
    objects: Generator[StreamPiece | StreamEnd, None, None], sink: BinaryIO | wave.Wave_write
) -> Metadata:
    """Send every piece's samples to ``sink`` as they come; answer the end's metadata."""
    for piece in objects:
        if isinstance(piece, StreamEnd):
            return piece.metadata
        pcm = base64.b64decode(piece.audio_chunk)
        if isinstance(sink, wave.Wave_write):
            sink.writeframes(pcm)
        else:
            sink.write(pcm)
            sink.flush()
    raise AssertionError("a stream ends with its end or with an error")


def _write_wav(
    objects: Generator[StreamPiece | StreamEnd, None, None], path: Path, *, rate_hz: int
) -> Metadata:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file, wave.open(file, "wb") as sink:
            sink.setnchannels(1)
            sink.setsampwidth(2)
            sink.setframerate(rate_hz)
            return _copy_pcm(objects, sink)
    except OSError as error:
        raise StorageFailed(f"{path.name} cannot be written: {error.strerror}") from error


def _text(text: str | None, text_file: Path | None) -> str:
    if (text is None) == (text_file is None):
        raise click.UsageError('give a TEXT, or "-" for standard input, or --file')
    if text is not None and text != "-":
        return text
    try:
        content = text_file.read_bytes() if text_file else sys.stdin.buffer.read()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise click.UsageError(f"{text_file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest("text", f"is not UTF-8 at byte {error.start}") from error


def _format_of(out: Path) -> str:
    if not out.suffix:
        return AudioFormat.OPUS.value
    if out.suffix.lower() not in _FORMAT_OF_ENDING:
        raise click.UsageError(
            f"--out: no format has the ending {out.suffix};"
            f" use one of {' '.join(sorted(_FORMAT_OF_ENDING))}"
        )
    return _FORMAT_OF_ENDING[out.suffix.lower()]


def _require_same_format(out: Path, audio_format: str) -> None:
    if out.suffix and _FORMAT_OF_ENDING.get(out.suffix.lower()) != audio_format:
        raise click.UsageError(f"--out: {out.name} does not end like --format {audio_format}")


def _progress_bar(stack: ExitStack) -> ChunkWatcher | None:
    """A bar on standard error, for a person only."""
    if not sys.stderr.isatty():
        return None
    bars: list[Any] = []

    def watch(done: int, chunks: int) -> None:
        if not bars:
            bar = click.progressbar(length=chunks, label="Speaking", file=sys.stderr, show_pos=True)
            bars.append(stack.enter_context(bar))
        bars[0].update(done - bars[0].pos)

    return watch


def _summarise(metadata: Metadata) -> None:
    for warning in metadata.warnings:
        click.echo(f"warning: {warning}", err=True)
    timings = metadata.timings
    click.echo(
        f"{metadata.duration:.2f} s of speech in {timings.load + timings.synthesis:.2f} s"
        f" ({timings.load:.2f} s of it loading), engine {metadata.engine}, seed {metadata.seed}",
        err=True,
    )
