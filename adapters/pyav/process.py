"""The parent's side of a decoding process."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from adapters.pyav.messages import ANSWER, BLOCK, END, READY, REFUSED, REQUEST, SECONDS

_CODE = Path(__file__).parents[2]
_LARGEST_BODY_BYTES = 2**30
_STOP_SECONDS = 1.0


class NotStartedError(Exception):
    """No decoding process can be started here."""


class CrashedError(Exception):
    """The process ended over a recording, or answered nonsense.

    ``is_late`` is true where it ended because its time was over.
    """

    def __init__(self, *, is_late: bool) -> None:
        super().__init__("the decoding process ended")
        self.is_late = is_late


@dataclass(frozen=True, slots=True)
class Answer:
    """One message of an answer: see ``adapters.pyav.messages``."""

    kind: bytes
    rate_hz: int
    channels: int
    body: bytearray


class DecodingProcess:
    """One child process; not thread-safe. After an exception it is of no more use: stop it."""

    def __init__(self, module: str) -> None:
        try:
            # a program of its own, not a fork: the parent has threads and CUDA. In a process group
            # of its own: an interrupt from the keyboard is for the parent to handle.
            self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=_CODE,
                process_group=0,
            )
        except OSError as error:
            raise NotStartedError from error
        self._parent = os.getpid()
        self._is_ready = False

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(
        self, operation: bytes, *, limit_seconds: float, content: bytes
    ) -> Generator[Answer, None, None]:
        """Send a recording and give out the messages of the answer, the last one included.

        Raises:
            NotStartedError: the process ended before it could be asked anything.
            CrashedError: it ended over ``content``.
        """
        requests, answers = _pipes(self._process)
        if not self._is_ready and answers.read(len(READY)) != READY:
            raise NotStartedError
        self._is_ready = True
        try:
            requests.write(REQUEST.pack(operation, limit_seconds, len(content)))
            requests.write(content)
            requests.flush()
        except OSError as error:
            raise self._crashed() from error
        while True:
            answer = self._next(answers)
            yield answer
            if answer.kind != BLOCK:
                return

    def stop(self) -> None:
        """End the process and forget it; what it was doing is lost."""
        if os.getpid() != self._parent:
            return  # a fork holds a copy of this object; the process is not its own
        self._process.kill()
        self._process.wait()
        for pipe in _pipes(self._process):
            with suppress(OSError):  # bytes that it never took
                pipe.close()

    def _next(self, answers: IO[bytes]) -> Answer:
        header = answers.read(ANSWER.size)
        if len(header) < ANSWER.size:
            raise self._crashed()
        kind, rate_hz, channels, size = ANSWER.unpack(header)
        if kind not in (BLOCK, END, REFUSED, SECONDS) or size > _LARGEST_BODY_BYTES:
            raise CrashedError(is_late=False)
        body = bytearray(size)
        if answers.readinto(body) < size:  # type: ignore[attr-defined] # IO lacks it, pipes have it
            raise self._crashed()
        return Answer(kind, rate_hz, channels, body)

    def _crashed(self) -> CrashedError:
        self._process.kill()
        return CrashedError(is_late=self._process.wait() == -signal.SIGALRM)


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("the process was started without pipes")
    return process.stdin, process.stdout
