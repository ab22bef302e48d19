"""The decoding process: ``python -m adapters.pyav.child``, with pipes as input and output.

It decodes one recording at a time, within limits of memory and time that the system enforces, and
ends when its input does. It imports PyAV and nothing else that is heavy: not even NumPy.
"""

import os
import select
import signal
import sys
from collections.abc import Callable, Generator
from typing import BinaryIO

from adapters.pyav.messages import (
    ANSWER,
    BLOCK,
    COUNT,
    END,
    FLOAT64,
    READY,
    REFUSED,
    REQUEST,
    SECONDS,
)
from adapters.pyav.recording import RefusedError, packed_blocks, packet_seconds

MEMORY_BYTES = 2**30
"""Address space: 250 MB of libraries, a file of 64 MB, and 64 channels of it as float32."""

RECORDING_SECONDS = 20.0
"""A hundred times what the slowest recording of the fuzz programs takes."""

_ORPHAN_CHECK_SECONDS = 10.0
"""A fork of the parent may hold the other end of the pipe for longer than the parent lives."""

Message = tuple[bytes, int, int, "bytes | memoryview"]
Answers = Callable[[bytes, float, bytes], Generator[Message, None, None]]


def serve(answers: Answers, *, recording_seconds: float = RECORDING_SECONDS) -> None:
    """Answer requests until the input ends; a recording that takes longer ends the process."""
    _limit_resources()
    requests = os.fdopen(0, "rb")
    replies = os.fdopen(1, "wb", buffering=2**18)
    replies.write(READY)
    replies.flush()
    parent = os.getppid()
    while _await(requests, parent) and (header := requests.read(REQUEST.size)):
        operation, limit_seconds, size = REQUEST.unpack(header)
        content = requests.read(size)
        # SIGALRM ends the process also where native code never returns to the interpreter
        signal.setitimer(signal.ITIMER_REAL, recording_seconds)
        _answer(replies, answers(operation, limit_seconds, content))
        signal.setitimer(signal.ITIMER_REAL, 0)


def decode_or_count(
    operation: bytes, limit_seconds: float, content: bytes
) -> Generator[Message, None, None]:
    """Yield the messages that answer a request."""
    if operation == COUNT:
        seconds = packet_seconds(content, limit_seconds=limit_seconds)
        yield SECONDS, 0, 0, FLOAT64.pack(seconds)
        return
    for shape, samples in packed_blocks(content, limit_seconds=limit_seconds):
        yield BLOCK, shape.rate_hz, shape.channels, samples
    yield END, 0, 0, b""


def _answer(replies: BinaryIO, messages: Generator[Message, None, None]) -> None:
    try:
        for message in messages:
            _write(replies, message)
    except BrokenPipeError:
        raise
    except RefusedError as error:
        _write(replies, (REFUSED, 0, 0, str(error).encode()))
    except MemoryError:
        _write(replies, (REFUSED, 0, 0, b"needs more memory than a recording may"))
    except Exception:  # noqa: BLE001 - whatever PyAV raises, these bytes are the reason
        _write(replies, (REFUSED, 0, 0, b"is not a recording that can be decoded"))
    replies.flush()


def _write(replies: BinaryIO, message: Message) -> None:
    kind, rate_hz, channels, body = message
    replies.write(ANSWER.pack(kind, rate_hz, channels, len(body)))
    replies.write(body)


def _await(requests: BinaryIO, parent: int) -> bool:
    """Wait for a request; False when the parent has gone without closing the pipe."""
    while not select.select([requests], [], [], _ORPHAN_CHECK_SECONDS)[0]:
        if os.getppid() != parent:
            return False
    return True


def _limit_resources() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, ValueError, OSError):
        pass  # macOS has no limit on address space; the limit of time holds there too


if __name__ == "__main__":
    try:
        serve(decode_or_count)
    except BrokenPipeError:
        sys.exit(1)
