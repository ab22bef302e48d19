"""``indextts-runpod download``: the weights, fetched or checked."""

import sys
from collections.abc import Sequence

import click

from application.ports.weights import WeightFile, WeightState
from entrypoints.cli.download_progress import DownloadProgress
from entrypoints.cli.start import start
from entrypoints.exit_codes import JOB_FAILED
from entrypoints.rendering import download_result

_UNUSABLE = (WeightState.MISSING, WeightState.DAMAGED)


@click.command()
@click.option("--check", "only_check", is_flag=True, help="verify the files, fetch nothing")
@click.option("--json", "as_json", is_flag=True, help="print one result object and nothing else")
def download(*, only_check: bool, as_json: bool) -> int:
    """Fetch the weights of IndexTTS-2, or check them.

    The files go into CHECKPOINTS_DIR, and every byte is verified. Only missing and damaged files
    are fetched; run it again after an interruption. HF_TOKEN is sent to
    the hub if it is set; HF_ENDPOINT names a mirror.
    """
    settings, container = start()
    weights = container.weights()
    with DownloadProgress(is_quiet=as_json and not sys.stderr.isatty()) as progress:
        files = weights.check(progress) if only_check else weights.fetch(progress)
    if as_json:
        click.echo(download_result(files).model_dump_json())
    else:
        _print(files)
        click.echo(settings.checkpoints_dir)
    return JOB_FAILED if any(file.state in _UNUSABLE for file in files) else 0


def _print(files: Sequence[WeightFile]) -> None:
    for file in files:
        if file.state in _UNUSABLE:
            click.echo(f"{file.state.value}: {file.name}", err=True)
    unusable = sum(file.state in _UNUSABLE for file in files)
    fetched = [file for file in files if file.state is WeightState.FETCHED]
    click.echo(
        f"{len(files) - unusable} of {len(files)} files verified,"
        f" {len(fetched)} fetched ({sum(file.size_bytes for file in fetched) / 1e6:,.1f} MB)",
        err=True,
    )
    if unusable:
        click.echo("-> run indextts-runpod download", err=True)
