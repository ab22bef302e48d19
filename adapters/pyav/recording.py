"""The samples and the duration of a recording, decoded with PyAV (FFmpeg) from memory.

This module runs in the decoding process only: a codec may crash on hostile bytes.
"""

import io
import math
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from domain.recording_limits import channels_problem, rate_problem

_CONTAINERS = "wav,w64,aiff,caf,flac,mp3,mov,m4a,ogg,matroska,webm,aac"
"""Single-file containers only: a playlist would make FFmpeg open what it names."""

_SAMPLES_AT_ONCE = 16_384
"""Converting frame by frame costs more than decoding: a codec's frames are gathered first."""


class RefusedError(Exception):
    """These bytes are no recording; the text is the rest of a sentence that begins with a name."""


class Shape(NamedTuple):
    """What every frame of a recording has in common."""

    sample_format: str
    channels: int
    rate_hz: int


def packed_blocks(
    content: bytes, *, limit_seconds: float
) -> Generator[tuple[Shape, memoryview], None, None]:
    """Decode up to ``limit_seconds``, a block at a time, as float32 of all channels in turn.

    Packed samples, because of PyAV 18.1.0: ``planes`` of
    a planar frame of eight channels or more reads past the last one and crashes. See
    ``tests/reproductions/pyav_planar_channels.py``.

    Raises:
        RefusedError: it holds what no recording of a voice holds.
        Whatever PyAV raises: it cannot be decoded.
    """
    with _opened(content) as (container, stream):
        gathered, resampler = av.AudioFifo(), av.AudioResampler(format="flt")
        shape: Shape | None = None
        left = 0
        for frame in container.decode(stream):
            if shape is None:
                shape = _checked(frame)
                left = math.ceil(limit_seconds * shape.rate_hz)
            elif _shape(frame) != shape:  # the FIFO would read channels that are not there
                raise RefusedError("changes its channels or its sample rate on the way")
            frame.pts = None
            gathered.write(frame)
            if gathered.samples >= min(left, _SAMPLES_AT_ONCE):
                for packed in resampler.resample(gathered.read()):
                    kept = min(left, packed.samples)
                    yield shape, _samples(packed, kept)
                    left -= kept
                if left <= 0:
                    return
        rest = gathered.read(partial=True) if shape else None
        if shape and rest:
            for packed in resampler.resample(rest):
                yield shape, _samples(packed, packed.samples)


def packet_seconds(content: bytes, *, limit_seconds: float) -> float:
    """Add up the durations of the packets, up to ``limit_seconds`` or to the first damage.

    The container's own duration is a claim of its header; packets are what is there.

    Raises:
        RefusedError, or whatever PyAV raises: it cannot be opened.
    """
    seconds = 0.0
    with _opened(content) as (container, stream):
        try:
            for packet in container.demux(stream):
                if packet.duration and packet.time_base:
                    seconds += max(0.0, float(packet.duration * packet.time_base))
                if seconds >= limit_seconds:
                    return limit_seconds
        except av.error.FFmpegError:
            return seconds
    return seconds


@contextmanager
def _opened(content: bytes) -> Generator[tuple[InputContainer, AudioStream], None, None]:
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "data"}
    with av.open(io.BytesIO(content), "r", options=options, metadata_errors="ignore") as container:
        if not container.streams.audio:
            raise RefusedError("holds no audio")
        stream = container.streams.audio[0]
        # before anything is decoded: at a rate of gigahertz seconds are memory without end
        if stream.codec_context.sample_rate and (
            problem := rate_problem(stream.codec_context.sample_rate)
        ):
            raise RefusedError(problem)
        yield container, stream


def _checked(frame: AudioFrame) -> Shape:
    shape = _shape(frame)
    if problem := channels_problem(shape.channels) or rate_problem(shape.rate_hz):
        raise RefusedError(problem)
    return shape


def _shape(frame: AudioFrame) -> Shape:
    return Shape(frame.format.name, frame.layout.nb_channels, frame.sample_rate)


def _samples(packed: AudioFrame, count: int) -> memoryview:
    """Return the first ``count`` samples of each channel."""
    return memoryview(packed.planes[0])[: count * packed.layout.nb_channels * 4]
