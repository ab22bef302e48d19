"""Ports for programs that must be told theirs before they start."""

import socket
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager


@contextmanager
def free_ports(count: int) -> Generator[list[int], None, None]:
    """Ports of the loopback that nobody else is given as long as this lasts.

    On Linux a socket that is bound but does not listen keeps a port from being handed out, while
    a server that asks for this very port still gets it. Elsewhere it would not: there the ports
    are only known to have been free.
    """
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in sockets]
        if sys.platform != "linux":
            held.close()
        yield ports
