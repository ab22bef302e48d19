"""``indextts-runpod serve``: RunPod's own local API server, for development."""

import os
import sys

import click

from entrypoints.cli.start import start
from entrypoints.runpod_worker import serve_jobs


@click.command()
@click.option("--host", default="localhost", show_default=True, help="address to listen at")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def serve(host: str, port: int) -> None:
    """Serve /run, /runsync, /stream and /status on this machine, for development.

    It is the server of RunPod's SDK around the worker's own handler; docs/local_server.md tells
    how it differs from production.
    """
    _, container = start()
    os.environ.setdefault("UVICORN_LOG_LEVEL", "warning")
    click.echo(f"listening at http://{host}:{port}; stop with Ctrl-C", err=True)
    sys.argv = [sys.argv[0], "--rp_serve_api", "--rp_api_host", host, "--rp_api_port", str(port)]
    serve_jobs(container, keeps_audio=True)
