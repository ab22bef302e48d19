"""Sockets that are bound to an address, before anything is loaded."""

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from entrypoints.http.access import is_loopback


def bound_sockets(host: str, port: int) -> list[socket.socket]:
    """Return a socket for each address of ``host``; none listens yet.

    Raises:
        OSError: the host is unknown, or the port is taken or reserved.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    missing: OSError | None = None
    with ExitStack() as opened:
        sockets = []
        for family, kind, protocol, _, address in dict.fromkeys(found):
            each = opened.enter_context(socket.socket(family, kind, protocol))
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                each.bind(address)
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                missing = error  # localhost may have an address that the machine has not
            else:
                sockets.append(each)
        if missing and not sockets:
            raise missing
        opened.pop_all()
    return sockets


def are_loopback(sockets: Sequence[socket.socket]) -> bool:
    """Return whether no other machine can reach any of ``sockets``."""
    return all(is_loopback(each.getsockname()[0]) for each in sockets)
