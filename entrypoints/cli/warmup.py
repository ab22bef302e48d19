"""``indextts-runpod warmup``: how long a first request would wait."""

import json
from dataclasses import asdict

import click

from application.warm_up import warm_up
from entrypoints.cli.start import say_which_engine, start


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print the seconds as one JSON object")
def warmup(as_json: bool) -> None:
    """Load the engine, speak once, and report how long that took."""
    _, container = start()
    say_which_engine(container)
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
