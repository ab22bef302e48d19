"""An encoder and a decoder without compression: the sample rate, then int16 samples."""

import io
from collections.abc import Iterable

import numpy as np

from application.ports.audio import EncodedAudio
from domain.audio import AudioFormat, Samples, Waveform, to_int16
from domain.errors import BadReference, SynthesisFailed

_MAGIC = b"RAW16"


class RawEncoder:
    """Writes the same bytes for every format: a signature, the rate and the samples."""

    def encode(
        self,
        samples: Iterable[Samples],
        *,
        sample_rate_hz: int,
        audio_format: AudioFormat,
        bitrate_kbps: int,
    ) -> EncodedAudio:
        content = io.BytesIO()
        content.write(_MAGIC + sample_rate_hz.to_bytes(4, "little"))
        count = 0
        for part in samples:
            if not np.isfinite(part).all():
                raise SynthesisFailed("the audio has samples that are not finite")
            content.write(to_int16(part).tobytes())
            count += len(part)
        if not count:
            raise SynthesisFailed("there is no audio to encode")
        size = content.tell()
        content.seek(0)
        return EncodedAudio(
            content=content,
            size_bytes=size,
            sample_rate_hz=sample_rate_hz,
            duration_seconds=count / sample_rate_hz,
            codec=audio_format.value,
            bitrate_kbps=bitrate_kbps if audio_format.is_lossy else None,
        )


class RawDecoder:
    """Decodes the bytes that ``RawEncoder`` writes."""

    def decode(self, content: bytes, *, name: str, limit_seconds: float | None = None) -> Waveform:
        if not content.startswith(_MAGIC):
            raise BadReference(f"{name} is not a recording that can be decoded")
        rate_hz = int.from_bytes(content[5:9], "little")
        samples = np.frombuffer(content[9:], dtype="<i2").astype(np.float32) / np.float32(32767)
        if not len(samples):
            raise BadReference(f"{name} holds no audio")
        if limit_seconds is not None:
            samples = samples[: int(limit_seconds * rate_hz)]
        return Waveform(samples, rate_hz)


def raw_recording(samples: Samples, rate_hz: int) -> bytes:
    """Return the bytes of a recording that ``RawDecoder`` decodes."""
    return _MAGIC + rate_hz.to_bytes(4, "little") + to_int16(samples).tobytes()
