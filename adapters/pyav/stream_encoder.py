"""The port ``AudioStreamEncoder`` with PyAV."""

from collections.abc import Generator, Iterable

import numpy as np

from adapters.pyav.compressed_stream import Compression
from adapters.pyav.resampling import resampled
from adapters.pyav.uncompressed_stream import pcm, wav
from domain.audio import Samples, StreamFormat
from domain.errors import SynthesisFailed


class PyavStreamEncoder:
    """Opus in Ogg at 24 kHz; every other format at the rate of the samples.

    A bit rate past what the format can carry for one voice becomes the highest that it can.
    """

    def encode(
        self,
        samples: Iterable[Samples],
        *,
        sample_rate_hz: int,
        stream_format: StreamFormat,
        bitrate_kbps: int,
        output_rate_hz: int | None = None,
    ) -> Generator[bytes, None, bytes]:
        """Implement ``AudioStreamEncoder.encode``; wav, pcm and flac hold ``to_int16`` exactly.

        Opus has a rate of its own whatever ``output_rate_hz`` says.
        """
        rate_hz = output_rate_hz or sample_rate_hz
        parts = resampled(_checked(samples), rate_hz=sample_rate_hz, output_rate_hz=rate_hz)
        if stream_format is StreamFormat.PCM:
            yield from pcm(parts)
            return b""
        if stream_format is StreamFormat.WAV:
            return (yield from wav(parts, rate_hz))
        compression = Compression(stream_format, rate_hz=rate_hz, bitrate_kbps=bitrate_kbps)
        for part in parts:
            if piece := compression.write(part):
                yield piece
        if piece := compression.finish():
            yield piece
        return compression.finished_head if stream_format is StreamFormat.FLAC else b""


def _checked(samples: Iterable[Samples]) -> Generator[Samples, None, None]:
    """Yield ``samples`` without empty parts.

    Raises:
        SynthesisFailed: none at all, or one that is not finite.
    """
    is_empty = True
    for part in samples:
        if not np.isfinite(part).all():
            raise SynthesisFailed("the audio has samples that are not finite")
        if len(part):
            is_empty = False
            yield part
    if is_empty:
        raise SynthesisFailed("there is no audio to encode")
