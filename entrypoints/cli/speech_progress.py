"""Progress of the speech: a live line on a terminal, or a line for each chunk."""

import shutil
import sys
import threading
import time
from enum import Enum
from types import TracebackType
from typing import Self

import click

from application.ports.speech_model import ModelState, SpeechModel
from application.utterance import SpokenSoFar

_TICK_SECONDS = 0.2
"""Pause between two drawings of the live line: five a second look smooth and cost nothing."""

_BAR_CELLS = 20
"""Width of the bar, in characters."""


class Manner(Enum):
    """How progress is shown."""

    HIDDEN = "hidden"
    LIVE = "live"
    LINES = "lines"


def manner(*, as_json: bool, verbose: bool) -> Manner:
    """Return how to show progress: a live line on a terminal, nothing in a pipe."""
    if as_json:
        return Manner.HIDDEN
    if verbose:
        return Manner.LINES
    return Manner.LIVE if sys.stderr.isatty() else Manner.HIDDEN


class SpeechProgress:
    """Shows the loading of the engine and the speech of one text after another.

    Args:
        model: Its state is shown: loading, or speaking.
        texts: Number of texts that will be spoken.
        manner: How progress is shown.
    """

    def __init__(self, *, model: SpeechModel, texts: int, manner: Manner) -> None:
        self._model = model
        self._texts = texts
        self._manner = manner
        self._text = 0
        self._began = time.monotonic()
        self._spoken: SpokenSoFar | None = None
        self._is_drawn = False
        self._is_over = threading.Event()
        self._writing = threading.Lock()
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)

    def __enter__(self) -> Self:
        if self._manner is Manner.LIVE:
            self._ticker.start()
        elif self._manner is Manner.LINES:
            click.echo(
                f"engine {self._model.info.name} on {self._model.info.device}: loading", err=True
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        if self._manner is Manner.LIVE:
            self._ticker.join()
            self.end_line()

    def next_text(self) -> None:
        """Begin the line of the next text."""
        self._text += 1
        self._began = time.monotonic()
        self._spoken = None
        self._is_drawn = True

    def end_line(self) -> None:
        """Finish the live line, so that other output begins on a line of its own."""
        with self._writing:
            if self._manner is Manner.LIVE and self._is_drawn:
                click.echo("" if self._spoken else "\r\x1b[K", err=True, nl=bool(self._spoken))
            self._is_drawn = False

    def __call__(self, spoken: SpokenSoFar) -> None:
        """Show that a chunk is finished (a ``ChunkWatcher``)."""
        self._spoken = spoken
        if self._manner is Manner.LIVE:
            self._draw()
        elif self._manner is Manner.LINES:
            click.echo(self._line(), err=True)

    def _tick(self) -> None:
        while not self._is_over.wait(_TICK_SECONDS):
            self._draw()

    def _draw(self) -> None:
        with self._writing:
            if not self._is_drawn:
                return
            line = self._line()[: shutil.get_terminal_size().columns - 1]
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)

    def _line(self) -> str:
        spoken = self._spoken
        number = f" {self._text}/{self._texts}" if self._texts > 1 else ""
        if spoken is None:
            is_loading = self._model.status().state is not ModelState.READY
            activity = (
                f"Loading the engine {self._model.info.name}" if is_loading else f"Speaking{number}"
            )
            return f"{activity}  {time.monotonic() - self._began:.0f} s"
        speed = spoken.seconds / max(spoken.synthesis_seconds, 1e-3)
        cells = _BAR_CELLS * spoken.chunks_done // spoken.chunks
        return (
            f"Speaking{number}  [{'#' * cells}{'-' * (_BAR_CELLS - cells)}]"
            f"  {spoken.chunks_done}/{spoken.chunks} chunks  {spoken.seconds:.1f} s of audio"
            f"  {speed:.1f} x real time"
        )
