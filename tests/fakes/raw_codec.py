"""An encoder and a decoder without compression: the sample rate, then int16 samples."""

import io
import math
from collections import Counter
from collections.abc import Generator, Iterable

import numpy as np

from application.ports.audio import EncodedAudio
from domain.audio import AudioFormat, Samples, StreamFormat, Waveform, to_int16
from domain.errors import BadReference, SynthesisFailed
from domain.recording_limits import rate_problem

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

    def data_rate_kbps(
        self, audio_format: AudioFormat, *, sample_rate_hz: int, bitrate_kbps: int
    ) -> float:
        return sample_rate_hz * 16 / 1000


class RawStreamEncoder:
    """Yields the samples of each part behind one signature and rate; raw PCM has neither."""

    def encode(
        self,
        samples: Iterable[Samples],
        *,
        sample_rate_hz: int,
        stream_format: StreamFormat,
        bitrate_kbps: int,
        output_rate_hz: int | None = None,
    ) -> Generator[bytes, None, bytes]:
        rate_hz = output_rate_hz or sample_rate_hz
        is_raw = stream_format is StreamFormat.PCM
        head = b"" if is_raw else _MAGIC + rate_hz.to_bytes(4, "little")
        count = 0
        for part in _nearest(samples, sample_rate_hz, rate_hz):
            if not np.isfinite(part).all():
                raise SynthesisFailed("the audio has samples that are not finite")
            if len(part):
                yield (b"" if count else head) + to_int16(part).tobytes()
                count += len(part)
        if not count:
            raise SynthesisFailed("there is no audio to encode")
        return head


def _nearest(
    samples: Iterable[Samples], rate_hz: int, output_rate_hz: int
) -> Generator[Samples, None, None]:
    """Resample by taking, for each moment of the output, the sample before it."""
    taken = made = 0
    for part in samples:
        end = taken + len(part)
        last = math.ceil(end * output_rate_hz / rate_hz)
        places = np.arange(made, last) * rate_hz // output_rate_hz - taken
        yield part[places] if len(part) else part
        taken, made = end, last


class RawDecoder:
    """Decodes the bytes that ``RawEncoder`` writes, and counts the decodings of each name."""

    def __init__(self) -> None:
        self.decoded: Counter[str] = Counter()

    def decode(self, content: bytes, *, name: str, limit_seconds: float) -> Waveform:
        self.decoded[name] += 1
        samples, rate_hz = _opened(content, name)
        return Waveform(samples[: math.ceil(limit_seconds * rate_hz)], rate_hz)

    def duration_seconds(self, content: bytes, *, name: str, limit_seconds: float) -> float:
        samples, rate_hz = _opened(content, name)
        return min(len(samples) / rate_hz, limit_seconds)


def _opened(content: bytes, name: str) -> tuple[Samples, int]:
    if not content.startswith(_MAGIC):
        raise BadReference(f"{name} is not a recording that can be decoded")
    rate_hz = int.from_bytes(content[5:9], "little")
    if problem := rate_problem(rate_hz):
        raise BadReference(f"{name} {problem}")
    samples = np.frombuffer(content[9:], dtype="<i2").astype(np.float32) / np.float32(32767)
    if not len(samples):
        raise BadReference(f"{name} holds no audio")
    return samples, rate_hz


def raw_recording(samples: Samples, rate_hz: int) -> bytes:
    """Return the bytes of a recording that ``RawDecoder`` decodes."""
    return _MAGIC + rate_hz.to_bytes(4, "little") + to_int16(samples).tobytes()
