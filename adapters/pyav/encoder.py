"""Audio files written with PyAV (FFmpeg's encoders), while the samples arrive."""

import math
import os
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from typing import BinaryIO, cast

import numpy as np

from adapters.pyav.codec_writer import CodecWriter
from adapters.pyav.codecs import FILE_CODECS, SHORTEST_SECONDS
from application.ports.audio import EncodedAudio
from domain.audio import AudioFormat, Samples
from domain.errors import OutOfMemory, StorageFailed, SynthesisFailed

_IN_MEMORY_BYTES = 8 * 2**20
"""A longer file goes on in a nameless temporary file, which no crash can leave behind."""

_AAC_FRAME_SAMPLES = 1024
"""AAC decodes to complete frames: the last one is filled up, so that every decoder agrees."""


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
        """Implement ``AudioEncoder.encode``; wav and flac hold exactly ``to_int16`` of them."""
        content = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))  # noqa: SIM115
        try:
            writing = _Writing(content, sample_rate_hz, audio_format, bitrate_kbps)
            for part in samples:
                writing.write(part)
            return writing.finish()
        except BaseException:
            # Closing writes again what a full disk did not take, and fails again. The first error
            # is the one that is explained.
            with suppress(OSError):
                content.close()
            raise

    def data_rate_kbps(
        self, audio_format: AudioFormat, *, sample_rate_hz: int, bitrate_kbps: int
    ) -> float:
        """Implement ``AudioEncoder.data_rate_kbps`` by what was measured on speech."""
        return FILE_CODECS[audio_format].data_rate_kbps(bitrate_kbps, rate_hz=sample_rate_hz)


class _Writing:
    """One file on its way into ``content``."""

    def __init__(
        self, content: BinaryIO, rate_hz: int, audio_format: AudioFormat, bitrate_kbps: int
    ) -> None:
        self._content = content
        self._format = audio_format
        self._codec = FILE_CODECS[audio_format]
        self._bitrate_kbps = self._codec.bitrate_kbps(bitrate_kbps)
        self._rate_hz = rate_hz
        with _own_errors():
            self._writer = CodecWriter(
                content,
                self._codec,
                rate_hz=rate_hz,
                bitrate_kbps=self._bitrate_kbps,
                options={},
            )

    def write(self, samples: Samples) -> None:
        if not len(samples):
            return
        if not np.isfinite(samples).all():
            raise SynthesisFailed("the audio has samples that are not finite")
        with _own_errors():
            self._writer.write(samples)

    def finish(self) -> EncodedAudio:
        if not self._writer.count:
            raise SynthesisFailed("there is no audio to encode")
        self._fill_up()
        with _own_errors():
            self._writer.finish()
            size = self._content.seek(0, os.SEEK_END)
            self._content.seek(0)
        return EncodedAudio(
            content=self._content,
            size_bytes=size,
            sample_rate_hz=self._writer.encoded_rate_hz,
            duration_seconds=self._writer.count / self._rate_hz,
            codec=self._codec.name,
            bitrate_kbps=self._bitrate_kbps,
        )

    def _fill_up(self) -> None:
        """Add silence up to the shortest length, and up to a complete frame of AAC."""
        needed = max(self._writer.count, math.ceil(SHORTEST_SECONDS * self._rate_hz))
        if self._format is AudioFormat.M4A:
            needed = math.ceil(needed / _AAC_FRAME_SAMPLES) * _AAC_FRAME_SAMPLES
        self.write(np.zeros(needed - self._writer.count, dtype=np.float32))


@contextmanager
def _own_errors() -> Generator[None, None, None]:
    import av

    try:
        yield
    except MemoryError as error:  # FFmpeg's own is one of both kinds
        raise OutOfMemory("there is no memory to encode the audio; send a shorter text") from error
    except av.error.FFmpegError as error:
        raise SynthesisFailed("the audio could not be encoded in this format") from error
    except OSError as error:
        raise StorageFailed("there is no room for the encoded audio on this machine") from error
