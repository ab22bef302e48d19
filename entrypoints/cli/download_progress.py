"""Progress of a download: bars on a terminal, one line for each file in a pipe."""

import sys
from types import TracebackType
from typing import Any, Self

import click

from application.ports.weights import WeightProgress, WeightStep

_VERBS = {
    WeightStep.VERIFYING: "Verifying",
    WeightStep.COPYING: "Copying",
    WeightStep.FETCHING: "Fetching",
}


class DownloadProgress:
    """Writes the progress of a download to standard error (a ``WeightWatcher``).

    Args:
        is_quiet: Write nothing.
    """

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._current: tuple[WeightStep, str] | None = None
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_bar()

    def __call__(self, progress: WeightProgress) -> None:
        """Show the step and how much of the file is done."""
        if self._is_quiet or progress.step is WeightStep.PLANNED:
            return
        if self._current != (progress.step, progress.name):
            self._current = (progress.step, progress.name)
            self._begin(progress)
        if self._bar is not None:
            self._bar.update(progress.done_bytes - self._bar.pos)

    def _begin(self, progress: WeightProgress) -> None:
        self._end_bar()
        if progress.step is WeightStep.WAITING:
            click.echo("Another process is fetching into this folder: waiting for it", err=True)
        elif sys.stderr.isatty():
            short_name = "/".join(progress.name.split("/")[-2:])
            bar = click.progressbar(
                length=progress.total_bytes,
                label=f"{_VERBS[progress.step]} {short_name}",
                width=0,
                file=sys.stderr,
            )
            self._bar = bar.__enter__()
        elif progress.step is not WeightStep.VERIFYING:
            megabytes = progress.total_bytes / 1e6
            click.echo(f"{_VERBS[progress.step]} {progress.name} ({megabytes:,.1f} MB)", err=True)

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
