"""The cost of decoding in a process of its own: ``python -m benchmarks.recordings``.

A recording of 15 s is decoded in this process and in the decoding process. Processor time is
counted, of both processes, so that other work on the machine does not change the figures.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import psutil

from adapters.pyav.decoder import PyavDecoder
from adapters.pyav.encoder import PyavEncoder
from adapters.pyav.recording import packed_blocks
from domain.audio import AudioFormat

SECONDS = 15
RATE_HZ = 22_050
ROUNDS = 20


def main() -> None:
    """Print a row for each format, in milliseconds of processor time."""
    samples = (0.3 * np.sin(np.arange(SECONDS * RATE_HZ) * 0.05)).astype(np.float32)
    decoder = PyavDecoder()
    print("| format | in the caller | caller and decoding process | the start of the process |")
    print("|---|---:|---:|---:|")
    for audio_format in AudioFormat:
        with PyavEncoder().encode(
            [samples], sample_rate_hz=RATE_HZ, audio_format=audio_format, bitrate_kbps=128
        ) as encoded:
            content = encoded.content.read()
        here = _mean_ms(partial(_decode_here, content))
        first = _mean_ms(partial(_decode, PyavDecoder(), content), rounds=1)
        _decode(decoder, content)
        later = _mean_ms(partial(_decode, decoder, content))
        print(f"| {audio_format.value} | {here:.0f} | {later:.0f} | {first - later:.0f} |")


def _decode_here(content: bytes) -> None:
    list(packed_blocks(content, limit_seconds=16))


def _decode(decoder: PyavDecoder, content: bytes) -> None:
    decoder.decode(content, name="x", limit_seconds=16)


def _mean_ms(work: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    known = {child.pid for child in psutil.Process().children()}
    began = time.process_time() + _children_seconds(known)
    for _ in range(rounds):
        work()
    now = {child.pid for child in psutil.Process().children()}
    return (time.process_time() + _children_seconds(now) - began) / rounds * 1000


def _children_seconds(pids: set[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(each.user + each.system for each in times)


if __name__ == "__main__":
    main()
