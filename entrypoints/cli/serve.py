"""``indextts-runpod serve``: the HTTP server, or RunPod's own local API server."""

import errno
import os
import socket
import sys
import threading
import time

import click

from entrypoints.cli.start import start
from entrypoints.http.listening import bound_sockets
from entrypoints.settings.settings import LocalSettings, ServerSettings

_RETRY_SECONDS = 0.1
"""Pause between two attempts to connect: short beside the second that the server needs to start."""


@click.command()
@click.option("--host", help="address to listen at  [default: HOST, or 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="port to listen at  [default: PORT, or 8000]"
)
@click.option("--runpod", is_flag=True, help="the local server of RunPod's SDK instead")
def serve(*, host: str | None, port: int | None, runpod: bool) -> None:
    """Serve OpenAI's audio API over HTTP, with a page at /.

    Clients of OpenAI speak to http://HOST:PORT/v1; docs/reference/configuration.md has the
    settings. With --runpod the server of RunPod's SDK offers /run, /runsync, /stream and /status
    around the worker's own handler, for development; docs/reference/local-server.md describes how
    it differs from production.
    """
    settings, container = start(LocalSettings if runpod else ServerSettings)
    host, port = host or settings.host, port or settings.port
    _require_free(host, port)
    if runpod:
        # Imported here because the HTTP server needs nothing of the worker.
        from entrypoints.runpod_worker import serve_jobs

        os.environ.setdefault("UVICORN_LOG_LEVEL", "warning")
        threading.Thread(
            target=_announce_later, args=(host, port), name="announce", daemon=True
        ).start()
        address = ["--rp_api_host", host, "--rp_api_port", str(port)]
        sys.argv = [sys.argv[0], "--rp_serve_api", *address]
        serve_jobs(container, keeps_audio=True)
        return
    if settings.port_health:
        _require_free(host, settings.port_health, option="PORT_HEALTH")
    # Imported here because --runpod and --help need none of it.
    from entrypoints.http.server import serve_http

    def announce() -> None:
        _announce(host, port)

    sys.exit(serve_http(container, host=host, port=port, on_listening=announce))


def _require_free(host: str, port: int, *, option: str = "--port") -> None:
    """Check, before anything is loaded, that this process may listen at the address.

    Raises:
        click.UsageError: The address is unknown, taken or not allowed.
    """
    try:
        for each in bound_sockets(host, port):
            each.close()
    except socket.gaierror as error:
        raise click.UsageError(f"--host: {host} is no address that can be found") from error
    except OSError as error:
        at = f"{host}:{port}"
        reasons = {
            errno.EADDRINUSE: f"{option}: another program listens at {at}; choose another",
            errno.EADDRNOTAVAIL: f"--host: {host} is no address of this machine",
            errno.EACCES: f"{option}: {port} is reserved for the administrator;"
            " choose 1024 or more",
        }
        why = f"cannot listen at {at}: {error.strerror}"
        raise click.UsageError(reasons.get(error.errno or 0, why)) from error


def _announce_later(host: str, port: int) -> None:
    """Print the address as soon as the server accepts connections."""
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(_RETRY_SECONDS)
            continue
        _announce(host, port)
        return


def _announce(host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"listening at http://{shown}:{port}; stop with Ctrl-C", err=True)
