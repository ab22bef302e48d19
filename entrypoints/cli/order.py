"""Where ``speak`` puts the audio, and which options for that exclude one another."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from domain.audio import StreamFormat
from entrypoints.cli.destinations import STANDARD_OUTPUT
from entrypoints.cli.texts import Text


@dataclass(frozen=True, slots=True)
class Order:
    """Where the audio goes, and in which format.

    ``new_files_folder`` takes files that have no name yet. Where ``uses_store``, finished audio
    without a file goes to the object store of the settings. Speech that is not ``is_kept`` is only
    played.
    """

    out: Path | None
    out_dir: Path | None
    new_files_folder: Path
    uses_store: bool
    audio_format: StreamFormat
    as_json: bool
    is_kept: bool

    @property
    def ending(self) -> str:
        """The ending of a file in the format, with its dot."""
        is_opus = self.audio_format is StreamFormat.OPUS
        return ".ogg" if is_opus else f".{self.audio_format.value}"


def require_compatible(
    fields: dict[str, Any], *, out: Path | None, out_dir: Path | None, plays: bool, as_json: bool
) -> None:
    """Refuse options that exclude one another.

    Raises:
        click.UsageError: The message names the options.
    """
    if out and out_dir:
        raise click.UsageError("give --out or --out-dir, not both")
    if out == STANDARD_OUTPUT and as_json:
        raise click.UsageError("--json and --out - both use standard output; leave one out")
    if out == STANDARD_OUTPUT and plays:
        raise click.UsageError("--play and --out - exclude one another; leave one out")
    if fields.get("stream") and as_json and (out or out_dir or plays):
        raise click.UsageError(
            "--stream --json prints the audio itself; leave out --out and --play"
        )


def require_a_file_each(
    texts: list[Text], *, out: Path | None, out_dir: Path | None, fields: dict[str, Any]
) -> None:
    """Refuse several texts without a file for each of them.

    Raises:
        click.UsageError: ``--out-dir`` is missing, or an option names a single file.
    """
    if len(texts) == 1:
        return
    if out or not out_dir:
        raise click.UsageError(f"{len(texts)} texts: give --out-dir FOLDER, for a file each")
    if "session_id" in fields:
        raise click.UsageError("--session-id names one file; leave it out with several texts")
