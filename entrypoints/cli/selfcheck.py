"""``indextts-runpod selfcheck``: whether the model speaks as it should on this machine."""

import json
from dataclasses import asdict

import click

from application.selfcheck import CheckRow, SelfCheck
from entrypoints.cli.start import print_passed_over, start
from entrypoints.exit_codes import JOB_FAILED

_HEAD = f"{'text':<16}{'seconds':>9}{'RTF':>8}{'chars/s':>9}{'silence':>9}{'clipped':>9}  verdict"


@click.command()
@click.option("--voice", help="the voice to check with [the default voice]")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object a line, not a table")
def selfcheck(*, voice: str | None, as_json: bool) -> int:
    """Speak a fixed set of texts and measure them.

    Measures pace, silence, clipping, stopping and repetition of seeded runs with the engine of the
    settings. Run it once on a new machine with the real weights; it fails if a measurement is out
    of bounds.
    """
    _, container = start()
    print_passed_over(container.engine_choice())
    is_well = True
    if not as_json:
        click.echo(_HEAD)
    for row in SelfCheck(speak=container.speak()).run(voice=voice):
        is_well = is_well and not row.problems
        click.echo(json.dumps(asdict(row)) if as_json else _line(row))
    return 0 if is_well else JOB_FAILED


def _line(row: CheckRow) -> str:
    verdict = "; ".join(row.problems) or (f"refused: {row.refusal}" if row.refusal else "ok")
    return (
        f"{row.name:<16}{row.seconds:>9.2f}{row.real_time_factor:>8.3f}"
        f"{row.characters_per_second:>9.1f}{row.silence_seconds:>8.2f}s{row.clipped:>9.2%}"
        f"  {verdict}"
    )
