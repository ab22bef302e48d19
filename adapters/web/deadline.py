"""One moment by which everything must be done, however many small steps it has."""

import io
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

ResultT = TypeVar("ResultT")


class Deadline:
    """The moment ``seconds`` from now."""

    def __init__(self, seconds: float) -> None:
        self._moment = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds that are left, always more than 0.

        Raises:
            TimeoutError: none are left.
        """
        seconds = self._moment - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("it took too long")
        return seconds

    def run(self, work: Callable[[], ResultT]) -> ResultT:
        """Return the result of ``work``, which is left behind in its thread if it takes too long.

        It is for work that knows no time limit of its own, as a look-up of the system does.

        Raises:
            TimeoutError: it took too long.
            Whatever ``work`` raises.
        """
        done: Future[ResultT] = Future()

        def settle() -> None:
            try:
                done.set_result(work())
            except Exception as error:  # noqa: BLE001 - it is raised again where it is waited for
                done.set_exception(error)

        Thread(target=settle, name="look-up", daemon=True).start()
        return done.result(self.remaining())


class TimedSocket:
    """The part of a connected socket that ``http.client`` uses; each step keeps to a deadline.

    A socket's own time limit begins anew with each byte that arrives. Closing this one has no
    effect: ``http.client`` closes a socket whose answer is still to be read.
    """

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._connected = connected
        self._deadline = deadline

    def sendall(self, content: "ReadableBuffer") -> None:
        """Send all of ``content``."""
        self._connected.settimeout(self._deadline.remaining())
        self._connected.sendall(content)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a reader of what arrives."""
        return io.BufferedReader(_TimedReader(self._connected, self._deadline))

    def close(self) -> None:
        """Do nothing; see the class."""


class _TimedReader(io.RawIOBase):
    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._connected = connected
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        self._connected.settimeout(self._deadline.remaining())
        return self._connected.recv_into(buffer)
