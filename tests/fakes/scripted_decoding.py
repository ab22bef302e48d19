"""A decoding process that does what the recording says: for codecs that no test can make crash.

``CRASH`` ends it as a fault in native code does, ``ABORT`` as a damaged heap does, ``HANG`` never
comes back, ``MEMORY`` asks for more than the limit, ``NONSENSE`` answers what cannot be, ``SLOW``
takes as long as the file named behind it exists. Anything else is decoded.
"""

import os
import signal
import time
from collections.abc import Generator
from pathlib import Path

from adapters.pyav.child import Message, decode_or_count, serve
from adapters.pyav.messages import BLOCK, END

RECORDING_SECONDS = 2.0


def answers(
    operation: bytes, limit_seconds: float, content: bytes
) -> Generator[Message, None, None]:
    word, _, rest = bytes(content).partition(b" ")
    if word == b"CRASH":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif word == b"ABORT":
        os.abort()
    elif word == b"HANG":
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        while True:
            pass
    elif word == b"MEMORY":
        yield END, 0, 0, bytes(2**31)
    elif word == b"NONSENSE":
        yield BLOCK, 16_000, 3, b"\0" * 16
        yield END, 0, 0, b""
    elif word == b"SLOW":
        while Path(rest.decode()).exists():
            time.sleep(0.01)
        yield END, 0, 0, b""
    else:
        yield from decode_or_count(operation, limit_seconds, content)


if __name__ == "__main__":
    serve(answers, recording_seconds=RECORDING_SECONDS)
