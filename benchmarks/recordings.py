"""What decoding in a process of its own costs: ``python -m benchmarks.recordings``.

A recording of 15 s is decoded in this process, and in the decoding process: the first time, with
its start, and later.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from adapters.pyav.decoder import PyavDecoder
from adapters.pyav.recording import packed_blocks
from adapters.pyav_encoder import PyavEncoder
from domain.audio import AudioFormat

SECONDS = 15
RATE_HZ = 22_050
ROUNDS = 20


def main() -> None:
    """Print a row for each format: milliseconds, the best of several rounds."""
    samples = (0.3 * np.sin(np.arange(SECONDS * RATE_HZ) * 0.05)).astype(np.float32)
    print("| format | in this process | in the decoding process | its first, with its start |")
    print("|---|---:|---:|---:|")
    for audio_format in AudioFormat:
        with PyavEncoder().encode(
            [samples], sample_rate_hz=RATE_HZ, audio_format=audio_format, bitrate_kbps=128
        ) as encoded:
            content = encoded.content.read()
        here = _best(partial(_decode_here, content))
        first = _best(partial(_decode_first, content), rounds=5)
        later = _best(partial(_decode, PyavDecoder(), content))
        print(f"| {audio_format.value} | {here:.1f} | {later:.1f} | {first:.0f} |")


def _decode_here(content: bytes) -> None:
    list(packed_blocks(content, limit_seconds=16))


def _decode_first(content: bytes) -> None:
    _decode(PyavDecoder(), content)


def _decode(decoder: PyavDecoder, content: bytes) -> None:
    decoder.decode(content, name="x", limit_seconds=16)


def _best(work: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best * 1000


if __name__ == "__main__":
    main()
