"""The work of ``speak``: each text is spoken and its audio goes to its destination."""

import tempfile
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.request import url2pathname

import click

from application.ports.storage import ObjectStore
from application.speak import Speak
from entrypoints.cli.destinations import STANDARD_OUTPUT, files_in, new_file, readable_stem
from entrypoints.cli.order import Order
from entrypoints.cli.piping import Piping
from entrypoints.cli.player import Player
from entrypoints.cli.speech_progress import SpeechProgress
from entrypoints.cli.texts import Text
from entrypoints.rendering import batch_result
from entrypoints.results import BatchResult, Metadata
from entrypoints.schemas import SpeechInput
from entrypoints.streaming import stream_objects


class Speaking:
    """Speaks texts one after another with one engine.

    Args:
        order: Where the audio goes.
        use_case: Returns the use case; ``store=`` replaces the object store of the settings.
        named_file: Returns a store that writes to the file ``path=``.
        piping: Speaks past the object store.
        player: Plays what is finished; None where nothing is played.
        progress: Shows how far the speech is.
    """

    def __init__(
        self,
        *,
        order: Order,
        use_case: Callable[..., Speak],
        named_file: Callable[..., ObjectStore],
        piping: Piping,
        player: Player | None,
        progress: SpeechProgress,
    ) -> None:
        self._order = order
        self._use_case = use_case
        self._named_file = named_file
        self._piping = piping
        self._player = player
        self._progress = progress

    def all(self, work: Sequence[tuple[Text, SpeechInput]]) -> None:
        """Speak every text.

        Raises:
            SpeechError: A text failed; the texts before it are finished.
        """
        paths: Sequence[Path | None] = [self._order.out] * len(work)
        if self._order.out_dir and any(text.file for text, _ in work):
            texts = [text for text, _ in work]
            paths = files_in(self._order.out_dir, texts, self._order.ending)
        for (text, job), path in zip(work, paths, strict=True):
            self._progress.next_text()
            with self._destination(path, text, job) as destination:
                self._one(job, destination)

    @contextmanager
    def _destination(
        self, path: Path | None, text: Text, job: SpeechInput
    ) -> Generator[Path | None, None, None]:
        """Give the file to write, or None for the object store of the settings."""
        order = self._order
        if path or (job.stream and order.as_json):
            yield path
        elif not order.is_kept:
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder) / f"speech{order.ending}"
        elif not job.stream and (job.session_id or order.uses_store):
            yield None
        else:
            stem = job.session_id or readable_stem(text)
            with new_file(order.new_files_folder, stem, order.ending) as new:
                yield new

    def _one(self, job: SpeechInput, path: Path | None) -> None:
        if job.stream and self._order.as_json:
            self._print_pieces(job)
        elif path == STANDARD_OUTPUT:
            stream_format = self._order.audio_format
            self._report(self._piping.to_standard_output(job, stream_format, self._progress))
        elif job.stream and path:
            self._named_file(path=path).claim(path.name, owner="")
            stream_format = self._order.audio_format
            self._report(self._piping.into_file(path, job, stream_format, self._progress))
            self._finish(path)
        else:
            self._store(job, path)

    def _store(self, job: SpeechInput, path: Path | None) -> None:
        use_case = self._use_case(store=self._named_file(path=path)) if path else self._use_case()
        spoken = use_case.into_store(
            job.to_request(), job_id=uuid.uuid4().hex, watch=self._progress
        )
        result = batch_result(spoken)
        if self._order.as_json:
            click.echo(result.model_dump_json())
        else:
            self._report(result.metadata)
        if isinstance(result, BatchResult):  # what comes in an answer has no place to be named
            is_local = result.url.startswith("file://")
            self._finish(
                Path(url2pathname(result.url.removeprefix("file://"))) if is_local else result.url
            )

    def _print_pieces(self, job: SpeechInput) -> None:
        utterance = self._use_case().utterance(job.to_request())
        with closing(stream_objects(utterance)) as objects:
            for piece in objects:
                click.echo(piece.model_dump_json())

    def _report(self, metadata: Metadata) -> None:
        """Print the warnings, the durations, the engine and the seed to standard error."""
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

    def _finish(self, location: Path | str) -> None:
        """Print the file or URL, unless the result has it or nothing is kept; play a file."""
        if self._order.is_kept and not self._order.as_json:
            click.echo(location.absolute() if isinstance(location, Path) else location)
        if self._player and isinstance(location, Path):
            self._player.play(location)
