"""Encoded audio that leaves while the samples arrive, made with FFmpeg's encoders."""

import math
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from domain.audio import Samples, StreamFormat, to_int16
from domain.errors import SynthesisFailed

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.stream import AudioStream

_SHORTEST_SECONDS = 0.005
"""libopus at 24 kHz writes no packet for the very shortest inputs; silence fills them up."""

_FLAC_LENGTH = slice(18, 26)
"""The eight bytes of a flac file's head whose last 36 bits count its samples (RFC 9639, 8.2)."""


@dataclass(frozen=True, slots=True)
class _Recipe:
    container: str
    codec: str
    sample_format: str
    highest_kbps: int | None = None
    rate_hz: int | None = None
    options: tuple[tuple[str, str], ...] = ()


_RECIPES = {
    # Pages of 0.1 s: the first audio leaves after 0.2 s of speech instead of 2 s.
    StreamFormat.OPUS: _Recipe(
        "ogg", "libopus", "flt", 256, 24_000, (("page_duration", "100000"),)
    ),
    # Without a Xing frame, which counts frames yet to come, and without tags: such files can be
    # put end to end.
    StreamFormat.MP3: _Recipe(
        "mp3", "libmp3lame", "fltp", 160, None, (("write_xing", "0"), ("id3v2_version", "0"))
    ),
    StreamFormat.FLAC: _Recipe("flac", "flac", "s16"),
    StreamFormat.M4A: _Recipe(
        *("mp4", "aac", "fltp", 128, None),
        (("movflags", "frag_every_frame+empty_moov+default_base_moof"),),
    ),
    StreamFormat.AAC: _Recipe("adts", "aac", "fltp", 128),
}


class _Sink:
    """What PyAV writes to; it cannot seek, so that nothing is ever taken back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


class Compression:
    """One stream on its way: samples in, the bytes that they complete out."""

    def __init__(self, stream_format: StreamFormat, *, rate_hz: int, bitrate_kbps: int) -> None:
        import av

        recipe = _RECIPES[stream_format]
        self._rate_hz = rate_hz
        self._sample_format = recipe.sample_format
        self._count = 0
        self._head = b""
        self._sink = _Sink()
        out_rate_hz = recipe.rate_hz or rate_hz
        with _own_errors():
            self._container = av.open(
                self._sink,
                "w",
                format=recipe.container,
                options={"fflags": "+bitexact", "flush_packets": "1", **dict(recipe.options)},
            )
            self._stream = cast(
                "AudioStream",
                self._container.add_stream(recipe.codec, rate=out_rate_hz, layout="mono"),
            )
            self._stream.codec_context.format = av.AudioFormat(recipe.sample_format)
            if recipe.highest_kbps:
                self._stream.bit_rate = min(bitrate_kbps, recipe.highest_kbps) * 1000
            self._resampler = av.AudioResampler(
                format=recipe.sample_format, layout="mono", rate=out_rate_hz
            )

    def write(self, samples: Samples) -> bytes:
        with _own_errors():
            self._mux(self._frame(samples))
        return self._taken()

    def finish(self) -> bytes:
        shortest = math.ceil(_SHORTEST_SECONDS * self._rate_hz)
        with _own_errors():
            if self._count < shortest:
                self._mux(self._frame(np.zeros(shortest - self._count, dtype=np.float32)))
            self._mux(None)
            self._container.mux(self._stream.encode(None))
            self._container.close()
        return self._taken()

    @property
    def finished_head(self) -> bytes:
        """The beginning of a flac file that says how many samples it has."""
        head = bytearray(self._head)
        counted = int.from_bytes(head[_FLAC_LENGTH]) | self._count
        head[_FLAC_LENGTH] = counted.to_bytes(8)
        return bytes(head)

    def _taken(self) -> bytes:
        piece = self._sink.take()
        if len(self._head) < _FLAC_LENGTH.stop:
            self._head = (self._head + piece)[: _FLAC_LENGTH.stop]
        return piece

    def _mux(self, frame: "AudioFrame | None") -> None:
        for ready in self._resampler.resample(frame):
            self._container.mux(self._stream.encode(ready))

    def _frame(self, samples: Samples) -> "AudioFrame":
        import av

        if self._sample_format == "s16":
            frame = av.AudioFrame.from_ndarray(to_int16(samples)[None], format="s16", layout="mono")
        else:
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples)[None], format="flt", layout="mono"
            )
        frame.sample_rate = self._rate_hz
        frame.pts = self._count
        self._count += len(samples)
        return frame


@contextmanager
def _own_errors() -> Generator[None, None, None]:
    import av

    try:
        yield
    except av.error.FFmpegError as error:
        raise SynthesisFailed("the audio could not be encoded in this format") from error
