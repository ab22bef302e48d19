"""Recordings read with PyAV (FFmpeg's decoders), by content and from memory."""

import io
from collections.abc import Generator

import numpy as np

from domain.audio import Samples, Waveform
from domain.errors import BadReference

_CONTAINERS = "wav,w64,aiff,caf,flac,mp3,mov,m4a,ogg,matroska,webm,aac"
"""Single-file containers only: a playlist would make FFmpeg open what it names."""


class PyavDecoder:
    """wav, flac, mp3, m4a, ogg, opus, webm, aac and their kin."""

    def decode(self, content: bytes, *, name: str, limit_seconds: float | None = None) -> Waveform:
        """The port's promise."""
        if not content:
            raise BadReference(f"{name} is empty")
        import av

        parts: list[Samples] = []
        rate_hz = count = 0
        try:
            for samples, rate_hz in _frames(content):
                parts.append(samples)
                count += len(samples)
                if limit_seconds is not None and count >= limit_seconds * rate_hz:
                    break
        except (av.error.FFmpegError, ValueError) as error:
            raise BadReference(f"{name} is not a recording that can be decoded") from error
        if not count:
            raise BadReference(f"{name} holds no audio")
        joined = np.concatenate(parts)
        if not np.isfinite(joined).all():
            raise BadReference(f"{name} holds samples that are not numbers")
        return Waveform(joined, rate_hz)


def _frames(content: bytes) -> Generator[tuple[Samples, int], None, None]:
    """Decoded stretches as mono float32, each with its rate in Hz."""
    import av

    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "data"}
    with av.open(io.BytesIO(content), "r", options=options) as container:
        if not container.streams.audio:
            return
        resampler = av.AudioResampler(format="fltp")
        for frame in container.decode(container.streams.audio[0]):
            for ready in resampler.resample(frame):
                channels = ready.to_ndarray()
                yield channels.mean(axis=0, dtype=np.float32), ready.sample_rate
