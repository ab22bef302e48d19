"""Ports for programs that get them as arguments."""

import socket
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager


@contextmanager
def free_ports(count: int) -> Generator[list[int], None, None]:
    """Reserve ports of the loopback for the duration of the block.

    On Linux a bound socket without ``listen`` keeps the kernel from choosing its port, while a
    server that names this port can still bind it. Other systems refuse that server; there the
    ports are released at once, and another program may take them.
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
