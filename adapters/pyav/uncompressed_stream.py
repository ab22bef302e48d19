"""Raw samples and wav, written by hand: the bytes of every sample as soon as it is there."""

import struct
from collections.abc import Generator, Iterable

from domain.audio import Samples, to_int16

_HEAD = struct.Struct("<4sI4s4sIHHIIHH4sI")
_UNKNOWN = 0xFFFFFFFF
"""Players take it as "to the end of the file" where a RIFF chunk has no length yet."""


def pcm(samples: Iterable[Samples]) -> Generator[bytes, None, int]:
    """Yield ``samples`` as little-endian int16; return how many there were."""
    count = 0
    for part in samples:
        count += len(part)
        yield to_int16(part).astype("<i2").tobytes()
    return count


def wav(samples: Iterable[Samples], rate_hz: int) -> Generator[bytes, None, bytes]:
    """Yield a wav file of unknown length; return its head with the length."""
    head = _wav_head(rate_hz, _UNKNOWN)
    pieces = pcm(samples)
    yield head + next(pieces)
    count = yield from pieces
    return _wav_head(rate_hz, 2 * count)


def _wav_head(rate_hz: int, size_bytes: int) -> bytes:
    sizes = [min(size, _UNKNOWN) for size in (size_bytes + _HEAD.size - 8, size_bytes)]
    form = (16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)  # PCM, mono, bytes a second and a sample, bits
    return _HEAD.pack(b"RIFF", sizes[0], b"WAVE", b"fmt ", *form, b"data", sizes[1])
