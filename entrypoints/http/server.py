"""The HTTP server: one process, one event loop, until it is asked to stop."""

import math
import signal
import socket
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp

from entrypoints.container import Container
from entrypoints.exit_codes import INTERRUPTED, JOB_FAILED
from entrypoints.http.access import LoopbackHostCheck
from entrypoints.http.app import build_app
from entrypoints.http.availability import Availability
from entrypoints.http.connections import ConnectionLimits, limited_protocol
from entrypoints.http.listening import are_loopback, bound_sockets
from entrypoints.http.request_log import RequestLog
from entrypoints.http.server_log import log_uvicorn
from entrypoints.leaving import leave, leave_threads_behind
from entrypoints.worker.startup import tell_unfinished

log = structlog.get_logger()

KEEP_ALIVE_SECONDS = 75
"""Longest time that a connection is idle. Load balancers keep theirs for less, often 60 s; if
this side closed first, one of them might send a request into a connection that ends."""


def serve_http(
    container: Container,
    *,
    host: str,
    port: int,
    limits: ConnectionLimits | None = None,
    on_listening: Callable[[], None] = lambda: None,
) -> int:
    """Answer requests until SIGTERM or Ctrl-C, then end the running ones.

    Requests that wait for their turn are refused then. A second Ctrl-C ends the process at once,
    and so does a thread of the model that is still at work when the last request has ended.

    Args:
        container: The parts.
        host: Name or address to listen at.
        port: Port to listen at. ``PORT_HEALTH``, where it is another, gets the same application.
        limits: Bounds of connections.
        on_listening: Called once connections are accepted.

    Returns:
        The exit status: not 0 if the process should be replaced after a fault of the machine.

    Raises:
        OSError: the address cannot be listened at.
    """
    settings = container.settings()
    sockets = bound_sockets(host, port)
    if settings.port_health not in (None, port):
        sockets += bound_sockets(host, settings.port_health)
    is_private = are_loopback(sockets)
    if not is_private and not settings.accepted_keys:
        log.warning("listening_without_keys", host=host, advice="set API_KEYS")
    log_uvicorn()
    app = build_app(container, on_fault=lambda: server.stop_after_fault())  # noqa: PLW0108 - made below
    server = _Server(
        uvicorn.Config(
            _in_front_of(app, is_stopping=lambda: server.should_exit, is_private=is_private),
            http=limited_protocol(limits or ConnectionLimits()),
            loop="asyncio",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=math.ceil(settings.job_timeout_seconds),
        ),
        on_listening=on_listening,
        on_stopping=app.state.admission.close,
    )
    server.run(sockets=sockets)
    tell_unfinished(container, program="server")
    status = JOB_FAILED if server.had_fault else 0
    leave_threads_behind(status)
    return status


class _Server(uvicorn.Server):
    """uvicorn, whose end by a signal is a success.

    Args:
        config: How it serves.
        on_listening: Called once connections are accepted.
        on_stopping: Called before the running requests are waited for.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_listening: Callable[[], None],
        on_stopping: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self.had_fault = False
        self._on_listening = on_listening
        self._on_stopping = on_stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        log.info("server_stops", requests=len(self.server_state.tasks))
        self._on_stopping()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; uvicorn's own method would have the process killed by the signal at the end."""
        if self.should_exit and sig == signal.SIGINT:
            leave(INTERRUPTED)
        self.should_exit = True

    def stop_after_fault(self) -> None:
        """Stop as after a signal, but with the exit status that has the process replaced."""
        self.had_fault = True
        self.should_exit = True


def _in_front_of(app: ASGIApp, *, is_stopping: Callable[[], bool], is_private: bool) -> ASGIApp:
    """Return ``app`` behind the checks that only the process which listens can make."""
    checked = LoopbackHostCheck(app) if is_private else app
    return RequestLog(Availability(checked, is_stopping=is_stopping))
