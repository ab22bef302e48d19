"""TLS connections to addresses that were checked."""

import socket
import ssl
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from adapters.web.addresses import is_public
from adapters.web.deadline import Deadline
from adapters.web.target import PORT, Refused

_LONGEST_ATTEMPT_SECONDS = 5.0
"""Seconds for one of several addresses, so that one that does not answer leaves time for others."""

Resolve: TypeAlias = Callable[[str], Sequence[str]]
"""Returns the addresses of a host's name; what it raises is an ``OSError``."""

Connect: TypeAlias = Callable[[str, float], socket.socket]
"""Returns a connection to an address, made in at most so many seconds, or raises ``OSError``."""

MakeTls: TypeAlias = Callable[[], ssl.SSLContext]
"""Returns what verifies certificates."""


def resolve(host: str) -> Sequence[str]:
    """Return the addresses of ``host`` by the system's own look-up."""
    found = socket.getaddrinfo(host, PORT, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def connect(address: str, seconds: float) -> socket.socket:
    """Return a connection to ``address``; environment variables for proxies have no effect."""
    return socket.create_connection((address, PORT), timeout=seconds)


class Connector:
    """Makes TLS connections to hosts whose addresses are all public.

    A name is looked up once for a connection, and the connection goes to an address of that
    look-up: a name that changes in between leads nowhere else.

    Args:
        resolve: Looks names up.
        connect: Connects to an address.
        make_tls: Makes what verifies that the host is the one of the name.
    """

    def __init__(
        self,
        *,
        resolve: Resolve = resolve,
        connect: Connect = connect,
        make_tls: MakeTls = ssl.create_default_context,
    ) -> None:
        self._resolve = resolve
        self._connect = connect
        self._make_tls = make_tls

    @contextmanager
    def connection(self, host: str, deadline: Deadline) -> Generator[socket.socket, None, None]:
        """Connect to ``host``, and close the connection at the end of the block.

        Raises:
            Refused: one of its addresses is not public.
            OSError: it cannot be reached, or is not the host of its name.
        """
        addresses = deadline.run(lambda: self._resolve(host))
        if not addresses or not all(is_public(address) for address in addresses):
            raise Refused(f"{host} has an address that is not public")
        with self._connected(addresses, deadline) as plain:
            plain.settimeout(deadline.remaining())
            with self._make_tls().wrap_socket(plain, server_hostname=host) as secure:
                yield secure

    def _connected(self, addresses: Sequence[str], deadline: Deadline) -> socket.socket:
        failure = OSError("there is no address")
        for address in addresses:
            try:
                return self._connect(address, min(deadline.remaining(), _LONGEST_ATTEMPT_SECONDS))
            except OSError as error:
                failure = error
        raise failure
