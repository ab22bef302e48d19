"""Connections whose request does not come, or of which there are too many."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from fastapi import FastAPI

from entrypoints.http.availability import Availability
from entrypoints.http.connections import ConnectionLimits, limited_protocol
from tests.loopback.http_server import served

LINE = b"GET /ping HTTP/1.1\r\n"


def application() -> Availability:
    app = FastAPI()

    @app.get("/{path:path}")
    def answer(path: str) -> str:
        return path

    return Availability(app, is_stopping=lambda: False)


@contextmanager
def served_within(limits: ConnectionLimits) -> Iterator[str]:
    with served(application(), protocol=limited_protocol(limits)) as url:
        yield url


def connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def received(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def test_closes_a_connection_that_sends_nothing() -> None:
    with served_within(ConnectionLimits(head_seconds=0.1)) as url, connect(url) as client:
        assert received(client) == b""


@pytest.mark.parametrize("before", [b"", LINE + b"Host: localhost\r\n\r\n"])
def test_gives_up_a_head_that_does_not_end(before: bytes) -> None:
    with served_within(ConnectionLimits(head_seconds=0.1)) as url, connect(url) as client:
        if before:
            client.sendall(before)
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        client.sendall(LINE + b"X-Slow: 1\r\n")
        assert received(client).startswith(b"HTTP/1.1 408 ")


def test_gives_up_a_head_that_grows_without_end() -> None:
    with served_within(ConnectionLimits(max_head_bytes=10_000)) as url, connect(url) as client:
        client.sendall(LINE)
        client.sendall(b"X-Long: " + b"x" * 20_000)
        assert b"headers_too_large" in received(client)


def test_a_new_connection_takes_the_place_of_an_idle_one() -> None:
    with served_within(ConnectionLimits(max_connections=1)) as url, connect(url) as idle:
        assert httpx.get(f"{url}/ping").status_code == 200
        assert received(idle) == b""
