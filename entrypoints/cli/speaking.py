"""The work of ``speak``: each text through the use case to the place that was asked for."""

import tempfile
import uuid
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import url2pathname

import click

from application.ports.storage import ObjectStore
from application.speak import Speak
from domain.audio import StreamFormat
from entrypoints.cli.destinations import STANDARD_OUTPUT, files_in, new_file, readable_stem
from entrypoints.cli.piping import Piping
from entrypoints.cli.player import play
from entrypoints.cli.speech_progress import SpeechProgress
from entrypoints.cli.texts import Text
from entrypoints.container import Container
from entrypoints.rendering import batch_result
from entrypoints.results import Metadata
from entrypoints.schemas import SpeechInput
from entrypoints.settings.settings import LocalSettings
from entrypoints.streaming import stream_objects


@dataclass(frozen=True, slots=True)
class Order:
    """Where the audio goes, and how.

    ``player`` is the command that plays a wav file; speech that is not ``is_kept`` is played only.
    """

    out: Path | None
    out_dir: Path | None
    audio_format: StreamFormat
    as_json: bool
    player: list[str] | None
    is_kept: bool

    @property
    def ending(self) -> str:
        is_opus = self.audio_format is StreamFormat.OPUS
        return ".ogg" if is_opus else f".{self.audio_format.value}"


class Speaking:
    """Speaks texts one after another with one engine."""

    def __init__(
        self,
        container: Container,
        settings: LocalSettings,
        order: Order,
        progress: SpeechProgress,
    ) -> None:
        self._container = container
        self._settings = settings
        self._order = order
        self._progress = progress

    def all(self, work: Sequence[tuple[Text, SpeechInput]]) -> None:
        """Speak every text.

        Raises:
            SpeechError: of the first that fails; those before it are finished.
        """
        paths: Sequence[Path | None] = [self._order.out] * len(work)
        if self._order.out_dir and any(text.file for text, _ in work):
            texts = [text for text, _ in work]
            paths = files_in(self._order.out_dir, texts, self._order.ending)
        for (text, job), path in zip(work, paths, strict=True):
            self._progress.next_text()
            with self._place(path, text, job) as place:
                self._one(job, place)

    @contextmanager
    def _place(
        self, path: Path | None, text: Text, job: SpeechInput
    ) -> Generator[Path | None, None, None]:
        """The file to write, or None for the object store of the settings."""
        order = self._order
        if path or (job.stream and order.as_json):
            yield path
        elif not order.is_kept:
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder) / f"speech{order.ending}"
        elif not job.stream and (job.session_id or self._settings.object_store != "filesystem"):
            yield None
        else:
            is_set = "output_audio_dir" in self._settings.model_fields_set
            usual = self._settings.output_audio_dir if is_set else Path.cwd()
            stem = job.session_id or readable_stem(text)
            with new_file(order.out_dir or usual, stem, order.ending) as new:
                yield new

    def _one(self, job: SpeechInput, path: Path | None) -> None:
        if job.stream and self._order.as_json:
            self._print_pieces(job)
        elif path == STANDARD_OUTPUT:
            self._report(self._piping(job).to_standard_output())
        elif job.stream and path:
            self._report(self._piping(job).into_file(path))
            self._finish(path)
        else:
            self._store(job, path)

    def _store(self, job: SpeechInput, path: Path | None) -> None:
        named = self._container.named_file_store(path=path) if path else None
        spoken = self._speak_into(named).into_store(
            job.to_request(), job_id=uuid.uuid4().hex, watch=self._progress
        )
        result = batch_result(spoken)
        if self._order.as_json:
            click.echo(result.model_dump_json())
        else:
            self._report(result.metadata)
        is_here = result.url.startswith("file://")
        self._finish(
            Path(url2pathname(result.url.removeprefix("file://"))) if is_here else result.url
        )

    def _speak_into(self, store: ObjectStore | None) -> Speak:
        """The use case with ``store`` in the place of the usual one; the engine stays loaded."""
        if store is None:
            return self._container.local_speak()
        return self._container.local_speak(store=store)

    def _piping(self, job: SpeechInput) -> Piping:
        return Piping(self._container, job, self._order.audio_format, self._progress)

    def _print_pieces(self, job: SpeechInput) -> None:
        utterance = self._container.local_speak().utterance(job.to_request())
        with closing(stream_objects(utterance)) as objects:
            for piece in objects:
                click.echo(piece.model_dump_json())

    def _report(self, metadata: Metadata) -> None:
        self._progress.end_line()
        for warning in metadata.warnings:
            click.echo(f"warning: {warning}", err=True)
        timings = metadata.timings
        click.echo(
            f"{metadata.duration:.2f} s of speech in {timings.load + timings.synthesis:.2f} s"
            f" ({timings.load:.2f} s of it loading), engine {metadata.engine},"
            f" seed {metadata.seed}",
            err=True,
        )

    def _finish(self, place: Path | str) -> None:
        """Print where the audio is, unless the result did or it was only to be heard; play it."""
        order = self._order
        if order.is_kept and not order.as_json:
            click.echo(place.absolute() if isinstance(place, Path) else place)
        if order.player and isinstance(place, Path):
            play(place, order.player, self._container.decoder())
