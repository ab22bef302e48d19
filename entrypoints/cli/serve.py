"""``indextts-runpod serve``: RunPod's own local API server, for development."""

import errno
import os
import socket
import sys
import threading
import time

import click

from entrypoints.cli.start import start
from entrypoints.runpod_worker import serve_jobs
from entrypoints.settings.settings import LocalSettings

_RETRY_SECONDS = 0.1
"""Pause between two attempts to connect: short beside the second that the server needs to start."""


@click.command()
@click.option("--host", default="localhost", show_default=True, help="address to listen at")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def serve(*, host: str, port: int) -> None:
    """Serve RunPod's API on this machine, for development.

    The server of RunPod's SDK offers /run, /runsync, /stream and /status around the worker's own
    handler; docs/reference/local-server.md describes how it differs from production.
    """
    _, container = start(LocalSettings)
    _require_free(host, port)
    os.environ.setdefault("UVICORN_LOG_LEVEL", "warning")
    threading.Thread(target=_announce, args=(host, port), name="announce", daemon=True).start()
    sys.argv = [sys.argv[0], "--rp_serve_api", "--rp_api_host", host, "--rp_api_port", str(port)]
    serve_jobs(container, keeps_audio=True)


def _require_free(host: str, port: int) -> None:
    """Check, before anything is loaded, that this process may listen at the address.

    Raises:
        click.UsageError: The address is unknown, taken or not allowed.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise click.UsageError(f"--host: {host} is no address that can be found") from error
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: f"--port: another program listens at {host}:{port}; choose another",
            errno.EADDRNOTAVAIL: f"--host: {host} is no address of this machine",
            errno.EACCES: f"--port: {port} is reserved for the administrator; choose 1024 or more",
        }
        why = f"cannot listen at {host}:{port}: {error.strerror}"
        raise click.UsageError(reasons.get(error.errno or 0, why)) from error


def _announce(host: str, port: int) -> None:
    """Print the address as soon as the server accepts connections."""
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(_RETRY_SECONDS)
            continue
        click.echo(f"listening at http://{host}:{port}; stop with Ctrl-C", err=True)
        return
