"""``indextts-runpod warmup``: the seconds that a first request would take."""

import json
from dataclasses import asdict

import click

from application.warm_up import warm_up
from entrypoints.cli.start import print_passed_over, start


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print the seconds as one JSON object")
def warmup(*, as_json: bool) -> None:
    """Load the engine, speak once, and report how long that took."""
    _, container = start()
    print_passed_over(container.engine_choice())
    model = container.model()
    took = warm_up(container.speak())
    if as_json:
        click.echo(
            json.dumps({"engine": model.info.name, "device": model.info.device, **asdict(took)})
        )
        return
    click.echo(f"engine {model.info.name} on {model.info.device}")
    click.echo(f"  loading      {took.load:8.2f} s")
    click.echo(f"  first audio  {took.first_audio:8.2f} s, loading included")
    click.echo(
        f"  synthesis    {took.synthesis:8.2f} s for {took.duration:.2f} s of speech"
        f" (RTF {took.synthesis / took.duration:.2f})"
    )
