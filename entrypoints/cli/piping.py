"""Speech that is written while it is spoken: into a file, or to standard output."""

import shutil
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from application.ports.audio import AudioEncoder, AudioStreamEncoder
from application.speak import Speak
from application.utterance import ChunkWatcher, Utterance
from domain.audio import AudioFormat, StreamFormat
from domain.errors import StorageFailed
from entrypoints.rendering import stream_end
from entrypoints.results import Metadata
from entrypoints.schemas import SpeechInput
from entrypoints.streaming import write_stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Piping:
    """Speaks texts without the object store."""

    speak: Speak
    encoder: AudioEncoder
    stream_encoder: AudioStreamEncoder

    def into_file(
        self, path: Path, job: SpeechInput, stream_format: StreamFormat, watch: ChunkWatcher
    ) -> Metadata:
        """Write each piece as it is spoken; an older file stays until the first piece.

        Raises:
            SpeechError: The text cannot be spoken, or the file cannot be written.
        """
        with self._pieces(job, stream_format, watch) as (utterance, pieces):
            first = next(pieces)
            try:
                with path.open("wb") as sink:
                    sink.write(first)
                    count = 1 + write_stream(pieces, sink)
            except OSError as error:
                raise StorageFailed(f"{path.name} cannot be written: {error.strerror}") from error
        return _metadata(utterance, pieces=count)

    def to_standard_output(
        self, job: SpeechInput, stream_format: StreamFormat, watch: ChunkWatcher
    ) -> Metadata:
        """Write each piece as it is spoken or, where the job does not stream, a file at the end.

        Raises:
            click.UsageError: Standard output is a terminal.
            SpeechError: The text cannot be spoken.
        """
        if sys.stdout.isatty():
            raise click.UsageError("--out -: standard output is a terminal; pipe it into a player")
        sink = sys.stdout.buffer
        if job.stream:
            with self._pieces(job, stream_format, watch) as (utterance, pieces):
                return _metadata(utterance, pieces=write_stream(pieces, sink))
        utterance = self.speak.utterance(job.to_request())
        with (
            closing(utterance.samples(watch)) as samples,
            self.encoder.encode(
                samples,
                sample_rate_hz=utterance.sample_rate_hz,
                audio_format=AudioFormat(job.audio_format),
                bitrate_kbps=job.bitrate_kbps,
            ) as encoded,
        ):
            shutil.copyfileobj(encoded.content, sink)
        return _metadata(utterance, pieces=1)

    @contextmanager
    def _pieces(
        self, job: SpeechInput, stream_format: StreamFormat, watch: ChunkWatcher
    ) -> Generator[tuple[Utterance, Generator[bytes, None, bytes]], None, None]:
        utterance = self.speak.utterance(job.to_request())
        with closing(utterance.samples(watch)) as samples:
            encoding = self.stream_encoder.encode(
                samples,
                sample_rate_hz=utterance.sample_rate_hz,
                stream_format=stream_format,
                bitrate_kbps=job.bitrate_kbps,
            )
            with closing(encoding) as pieces:
                yield utterance, pieces


def _metadata(utterance: Utterance, *, pieces: int) -> Metadata:
    return stream_end(utterance.report(), pieces=pieces).metadata
