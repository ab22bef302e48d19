"""Audio files written with PyAV (FFmpeg's encoders), while the samples arrive."""

import math
import os
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from application.ports.audio import EncodedAudio
from domain.audio import AudioFormat, Samples, to_int16
from domain.errors import StorageFailed, SynthesisFailed

if TYPE_CHECKING:
    from av import AudioFrame, AudioResampler
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

_IN_MEMORY_BYTES = 8 * 2**20
"""A longer file goes on in a nameless temporary file, which no crash can leave behind."""

_SHORTEST_SECONDS = 0.005
"""libopus at 24 kHz writes no packet for the very shortest inputs; silence fills them up."""

_AAC_FRAME = 1024
"""AAC decodes to whole frames: the last one is filled up, so that every decoder agrees."""


@dataclass(frozen=True, slots=True)
class _Recipe:
    container: str
    codec: str
    name: str
    sample_format: str
    highest_kbps: int | None = None
    rate_hz: int | None = None
    options: tuple[tuple[str, str], ...] = ()


_RECIPES = {
    # 24 kHz: the rate of Opus nearest above what the models speak. Ogg pages of 0.2 s let bytes
    # flow while the speech goes on, for 0.7 % more size than the default of about 1 s.
    # The highest bit rates are what one channel can take: RFC 7845 for Opus, MPEG-2 layer III below
    # 32 kHz, and 6144 bits a frame for AAC at 22 050 Hz.
    AudioFormat.OPUS: _Recipe(
        "ogg", "libopus", "opus", "flt", 256, 24_000, (("page_duration", "200000"),)
    ),
    AudioFormat.MP3: _Recipe("mp3", "libmp3lame", "mp3", "fltp", 160),
    AudioFormat.WAV: _Recipe("wav", "pcm_s16le", "pcm_s16le", "s16"),
    AudioFormat.FLAC: _Recipe("flac", "flac", "flac", "s16"),
    AudioFormat.M4A: _Recipe("mp4", "aac", "aac", "fltp", 128),
}


class PyavEncoder:
    """Opus in Ogg at 24 kHz; mp3, wav, flac and m4a at the rate of the samples.

    A bit rate past what the format can carry for one voice becomes the highest that it can.
    """

    def encode(
        self,
        samples: Iterable[Samples],
        *,
        sample_rate_hz: int,
        audio_format: AudioFormat,
        bitrate_kbps: int,
    ) -> EncodedAudio:
        """The port's promise; wav and flac hold exactly ``to_int16`` of the samples."""
        content = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))  # noqa: SIM115
        try:
            writing = _Writing(content, sample_rate_hz, audio_format, bitrate_kbps)
            for part in samples:
                writing.write(part)
            return writing.finish()
        except BaseException:
            content.close()
            raise


class _Writing:
    def __init__(
        self, content: BinaryIO, rate_hz: int, audio_format: AudioFormat, bitrate_kbps: int
    ) -> None:
        self._content = content
        self._format = audio_format
        self._recipe = _RECIPES[audio_format]
        highest = self._recipe.highest_kbps
        self._bitrate_kbps = min(bitrate_kbps, highest) if highest else None
        self._rate_hz = rate_hz
        self._count = 0
        with _own_errors():
            self._container, self._stream, self._resampler = self._open()

    def write(self, samples: Samples) -> None:
        if not len(samples):
            return
        if not np.isfinite(samples).all():
            raise SynthesisFailed("the audio has samples that are not finite")
        with _own_errors():
            self._write_frame(self._frame(samples))

    def finish(self) -> EncodedAudio:
        if not self._count:
            raise SynthesisFailed("there is no audio to encode")
        self._fill_up()
        with _own_errors():
            self._write_frame(None)
            self._container.mux(self._stream.encode(None))
            self._container.close()
            size = self._content.seek(0, os.SEEK_END)
            self._content.seek(0)
        return EncodedAudio(
            content=self._content,
            size_bytes=size,
            sample_rate_hz=self._stream.rate,
            duration_seconds=self._count / self._rate_hz,
            codec=self._recipe.name,
            bitrate_kbps=self._bitrate_kbps,
        )

    def _open(self) -> "tuple[OutputContainer, AudioStream, AudioResampler]":
        import av

        recipe = self._recipe
        rate_hz = recipe.rate_hz or self._rate_hz
        container = av.open(
            self._content,
            "w",
            format=recipe.container,
            options={"fflags": "+bitexact", **dict(recipe.options)},
        )
        stream = cast(
            "AudioStream", container.add_stream(recipe.codec, rate=rate_hz, layout="mono")
        )
        stream.codec_context.format = av.AudioFormat(recipe.sample_format)
        if self._bitrate_kbps:
            stream.bit_rate = self._bitrate_kbps * 1000
        resampler = av.AudioResampler(format=recipe.sample_format, layout="mono", rate=rate_hz)
        return container, stream, resampler

    def _frame(self, samples: Samples) -> "AudioFrame":
        import av

        if self._recipe.sample_format == "s16":
            frame = av.AudioFrame.from_ndarray(to_int16(samples)[None], format="s16", layout="mono")
        else:
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples)[None], format="flt", layout="mono"
            )
        frame.sample_rate = self._rate_hz
        frame.pts = self._count
        self._count += len(samples)
        return frame

    def _write_frame(self, frame: "AudioFrame | None") -> None:
        for ready in self._resampler.resample(frame):
            self._container.mux(self._stream.encode(ready))

    def _fill_up(self) -> None:
        wanted = max(self._count, math.ceil(_SHORTEST_SECONDS * self._rate_hz))
        if self._format is AudioFormat.M4A:
            wanted = math.ceil(wanted / _AAC_FRAME) * _AAC_FRAME
        self.write(np.zeros(wanted - self._count, dtype=np.float32))


@contextmanager
def _own_errors() -> Generator[None, None, None]:
    import av

    try:
        yield
    except av.error.FFmpegError as error:
        raise SynthesisFailed("the audio could not be encoded in this format") from error
    except OSError as error:
        raise StorageFailed("there is no room for the encoded audio on this machine") from error
