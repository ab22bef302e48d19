"""Samples to files, and recordings to samples."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from domain.audio import AudioFormat, Samples, StreamFormat, Waveform


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

    def data_rate_kbps(
        self, audio_format: AudioFormat, *, sample_rate_hz: int, bitrate_kbps: int
    ) -> float:
        """Return the most kilobits that a second of speech is likely to take in a file."""


class AudioStreamEncoder(Protocol):
    """Samples to the bytes of one format, as the samples come."""

    def encode(
        self,
        samples: Iterable[Samples],
        *,
        sample_rate_hz: int,
        stream_format: StreamFormat,
        bitrate_kbps: int,
        output_rate_hz: int | None = None,
    ) -> Generator[bytes, None, bytes]:
        """Yield the encoded bytes, never empty, holding back no more than the codec needs.

        Nothing is yielded before the first sample. The bytes never have to be taken back: where a
        format's head names the length, it says "unknown". ``bitrate_kbps`` is for the lossy
        formats only. ``output_rate_hz`` is the rate of the audio in the bytes, where it is not the
        format's own choice. An error that ``samples`` raises passes through unchanged.

        Returns:
            The first bytes anew, with the length in them, for a sink that can seek; empty where
            the format's head names no length.

        Raises:
            SynthesisFailed: no samples at all, or one that is not finite.
        """


class TimeStretch(Protocol):
    """A change of speed that keeps the pitch."""

    def __call__(
        self, samples: Iterable[Samples], *, sample_rate_hz: int, speed: float
    ) -> Generator[Samples, None, None]:
        """Yield ``samples`` faster (``speed`` over 1) or slower, as they come.

        The result has the number of samples divided by ``speed``, rounded, and 1 at least. It does
        not depend on the parts that the samples come in. An error that ``samples`` raises passes
        through unchanged.
        """


class AudioDecoder(Protocol):
    """Bytes of a recording to samples."""

    def decode(self, content: bytes, *, name: str, limit_seconds: float) -> Waveform:
        """Decode by content, whatever the name ends in; several channels become their mean.

        At most ``limit_seconds`` are decoded and kept. The rate stays the recording's own.

        Raises:
            BadReference: no audio in ``content``, or beyond ``domain.recording_limits``; the
                message calls it ``name``.
            SynthesisFailed: this machine cannot decode recordings at all.
        """

    def duration_seconds(self, content: bytes, *, name: str, limit_seconds: float) -> float:
        """Count the seconds of audio, up to ``limit_seconds``, without decoding them.

        What is damaged further on ends the count. Encoders' padding may be counted, up to 0.1 s.

        Raises:
            BadReference: no audio in ``content``; the message calls it ``name``.
            SynthesisFailed: this machine cannot decode recordings at all.
        """
