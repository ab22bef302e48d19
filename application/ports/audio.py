"""Samples to files, and recordings to samples."""

from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from domain.audio import AudioFormat, Samples, Waveform


@dataclass(frozen=True, slots=True)
class EncodedAudio:
    """A finished file: ``content`` is seekable and stands at its start.

    ``duration_seconds`` is what a decoder gets out of it. Closing it frees the bytes.
    """

    content: BinaryIO
    size_bytes: int
    sample_rate_hz: int
    duration_seconds: float
    codec: str
    bitrate_kbps: int | None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.content.close()


class AudioEncoder(Protocol):
    """Samples to a file of one of the formats."""

    def encode(
        self,
        samples: Iterable[Samples],
        *,
        sample_rate_hz: int,
        audio_format: AudioFormat,
        bitrate_kbps: int,
    ) -> EncodedAudio:
        """Encode ``samples`` as they come, holding no more of them than the codec needs.

        ``bitrate_kbps`` is for the lossy formats only. An error that ``samples`` raises passes
        through unchanged.

        Raises:
            SynthesisFailed: no samples at all, or one that is not finite.
        """


class AudioDecoder(Protocol):
    """Bytes of a recording to samples."""

    def decode(self, content: bytes, *, name: str, limit_seconds: float | None = None) -> Waveform:
        """Decode by content, whatever the name ends in; several channels become their mean.

        Stops soon after ``limit_seconds``. The rate stays the recording's own.

        Raises:
            BadReference: no audio in ``content``; the message calls it ``name``.
        """
