"""An HTTP proxy that passes requests on unless a test plans a fault."""

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

FOR_GOOD = 10**9


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer; the connection ends with it."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def handle_one_request(self) -> None:
        with suppress(ConnectionError):  # the client gave up
            super().handle_one_request()
        self.close_connection = True

    def _any(self) -> None:
        fault = self.server.proxy.fault_for(self)
        if fault:
            fault(self)
        else:
            self.pass_on()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _any  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def body(self) -> bytes:
        """Read the body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def pass_on(self, *, answer: bool = True) -> None:
        """Send the request to the service and its answer to the client."""
        url = urlsplit(self.path)
        upstream = HTTPConnection(self.server.proxy.upstream, timeout=30)
        try:
            path = f"{url.path}?{url.query}" if url.query else url.path
            headers = {
                name: value for name, value in self.headers.items() if name.lower() != "expect"
            }
            upstream.request(self.command, path, self.body(), headers)
            got = upstream.getresponse()
            content = got.read()
        finally:
            upstream.close()
        if answer:
            kept = ("connection", "transfer-encoding", "content-length")
            self._reply(
                got.status,
                {name: value for name, value in got.getheaders() if name.lower() not in kept},
                content,
                length=got.getheader("Content-Length") if self.command == "HEAD" else None,
            )

    def refuse(self, status: int, code: str) -> None:
        """Answer with an error in the form of S3."""
        self.body()
        content = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self._reply(status, {"Content-Type": "application/xml"}, content)

    def cut(self) -> None:
        """Reset the connection: the client gets no orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _reply(
        self, status: int, headers: dict[str, str], content: bytes, length: str | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


Fault = Callable[[Exchange], None]


def refusal(status: int, code: str) -> Fault:
    """Return a fault that answers with an error."""
    return lambda exchange: exchange.refuse(status, code)


def cut_upload(after_bytes: int) -> Fault:
    """Return a fault that resets the connection after ``after_bytes`` of the body."""

    def fault(exchange: Exchange) -> None:
        exchange.rfile.read(after_bytes)
        exchange.cut()

    return fault


def lost_answer(exchange: Exchange) -> None:
    """Let the service execute the request, and reset the connection before its answer."""
    exchange.pass_on(answer=False)
    exchange.cut()


def slow(seconds: float) -> Fault:
    """Return a fault that answers as the service does, ``seconds`` later."""

    def fault(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.pass_on()

    return fault


def meanwhile(event: Callable[[], object]) -> Fault:
    """Return a fault that calls ``event`` before the request reaches the service."""

    def fault(exchange: Exchange) -> None:
        event()
        exchange.pass_on()

    return fault


@dataclass(slots=True)
class _Plan:
    fault: Fault
    method: str
    marked: str
    times: int


@dataclass(slots=True)
class FaultyProxy:
    """A proxy before ``service_url``; it keeps the ``METHOD /path?query`` of each request."""

    service_url: str
    requests: list[str] = field(default_factory=list)
    _plans: list[_Plan] = field(default_factory=list)
    _server: "_Server" = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def upstream(self) -> str:
        return urlsplit(self.service_url).netloc

    def fail(self, fault: Fault, *, method: str, marked: str = "", times: int = FOR_GOOD) -> None:
        """Meet the next ``times`` requests of ``method`` with ``fault``.

        Only those count that have ``marked`` in their path or among their headers' names.
        """
        self._plans.append(_Plan(fault, method, marked.lower(), times))

    def fault_for(self, exchange: Exchange) -> Fault | None:
        """Record the request and return the fault that is planned for it."""
        self.requests.append(f"{exchange.command} {exchange.path}")
        marks = f"{exchange.path} {' '.join(exchange.headers)}".lower()
        for plan in self._plans:
            if plan.times and plan.method == exchange.command and plan.marked in marks:
                plan.times -= 1
                return plan.fault
        return None

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), Exchange)
        self._server.proxy = self
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    proxy: FaultyProxy
