"""Speech that leaves while it is spoken: into a file, or to standard output."""

import shutil
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from application.utterance import ChunkWatcher, Utterance
from domain.audio import AudioFormat, StreamFormat
from domain.errors import StorageFailed
from entrypoints.container import Container
from entrypoints.rendering import stream_end
from entrypoints.results import Metadata
from entrypoints.schemas import SpeechInput
from entrypoints.streaming import write_stream


class Piping:
    """One text on its way past the object store."""

    def __init__(
        self,
        container: Container,
        job: SpeechInput,
        stream_format: StreamFormat,
        watch: ChunkWatcher,
    ) -> None:
        self._container = container
        self._job = job
        self._format = stream_format
        self._watch = watch

    def into_file(self, path: Path) -> Metadata:
        """Write each piece as it comes; what is there before stays until the first one.

        Raises:
            SpeechError: the class says what failed.
        """
        self._container.named_file_store(path=path).claim(path.name, owner="")
        with self._pieces() as (utterance, pieces):
            first = next(pieces)
            try:
                with path.open("wb") as sink:
                    sink.write(first)
                    count = 1 + write_stream(pieces, sink)
            except OSError as error:
                raise StorageFailed(f"{path.name} cannot be written: {error.strerror}") from error
        return self._metadata(utterance, count)

    def to_standard_output(self) -> Metadata:
        """Write each piece as it comes or, where the job does not stream, the whole at the end.

        Raises:
            click.UsageError: standard output is a terminal.
            SpeechError: the class says what failed.
        """
        if sys.stdout.isatty():
            raise click.UsageError("--out -: standard output is a terminal; pipe it into a player")
        sink = sys.stdout.buffer
        if self._job.stream:
            with self._pieces() as (utterance, pieces):
                return self._metadata(utterance, write_stream(pieces, sink))
        utterance = self._container.local_speak().utterance(self._job.to_request())
        with (
            closing(utterance.samples(self._watch)) as samples,
            self._container.encoder().encode(
                samples,
                sample_rate_hz=utterance.sample_rate_hz,
                audio_format=AudioFormat(self._job.audio_format),
                bitrate_kbps=self._job.bitrate_kbps,
            ) as encoded,
        ):
            shutil.copyfileobj(encoded.content, sink)
        return self._metadata(utterance, 1)

    @contextmanager
    def _pieces(self) -> Generator[tuple[Utterance, Generator[bytes, None, bytes]], None, None]:
        utterance = self._container.local_speak().utterance(self._job.to_request())
        with closing(utterance.samples(self._watch)) as samples:
            encoding = self._container.stream_encoder().encode(
                samples,
                sample_rate_hz=utterance.sample_rate_hz,
                stream_format=self._format,
                bitrate_kbps=self._job.bitrate_kbps,
            )
            with closing(encoding) as pieces:
                yield utterance, pieces

    def _metadata(self, utterance: Utterance, pieces: int) -> Metadata:
        return stream_end(utterance.report(), pieces=pieces).metadata
