"""Encoded audio that leaves while the samples arrive, made with FFmpeg's encoders."""

import math

import numpy as np

from adapters.pyav.codec_writer import CodecWriter
from adapters.pyav.codecs import SHORTEST_SECONDS, STREAM_CODECS
from adapters.pyav.failures import own_errors
from domain.audio import Samples, StreamFormat

_FLAC_LENGTH = slice(18, 26)
"""The eight bytes of a flac file's head whose last 36 bits count its samples (RFC 9639, 8.2)."""


class Compression:
    """One stream: it takes samples and returns the bytes that they complete."""

    def __init__(self, stream_format: StreamFormat, *, rate_hz: int, bitrate_kbps: int) -> None:
        codec = STREAM_CODECS[stream_format]
        self._rate_hz = rate_hz
        self._head = b""
        self._sink = _Sink()
        with own_errors():
            self._writer = CodecWriter(
                self._sink,
                codec,
                rate_hz=rate_hz,
                bitrate_kbps=codec.bitrate_kbps(bitrate_kbps),
                options={"flush_packets": "1"},
            )

    def write(self, samples: Samples) -> bytes:
        """Return the bytes that ``samples`` complete, often none."""
        with own_errors():
            self._writer.write(samples)
        return self._taken()

    def finish(self) -> bytes:
        """Return the last bytes of the stream."""
        missing = math.ceil(SHORTEST_SECONDS * self._rate_hz) - self._writer.count
        with own_errors():
            if missing > 0:
                self._writer.write(np.zeros(missing, dtype=np.float32))
            self._writer.finish()
        return self._taken()

    @property
    def finished_head(self) -> bytes:
        """The beginning of a flac file, with the number of samples that it has."""
        head = bytearray(self._head)
        counted = int.from_bytes(head[_FLAC_LENGTH]) | self._writer.count
        head[_FLAC_LENGTH] = counted.to_bytes(8)
        return bytes(head)

    def _taken(self) -> bytes:
        piece = self._sink.take()
        if len(self._head) < _FLAC_LENGTH.stop:
            self._head = (self._head + piece)[: _FLAC_LENGTH.stop]
        return piece


class _Sink:
    """The target of PyAV. It cannot seek, so that no byte is changed after it was written."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
