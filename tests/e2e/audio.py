"""Reading of the audio that a test gets, with PyAV and the standard library."""

import base64
import io
import wave
from importlib.resources import files
from pathlib import Path

import av
import numpy as np

from tests.loopback.runpod_queue import Job

BUNDLED_VOICE = files("adapters.filesystem").joinpath("bundled_voices", "default.ogg").read_bytes()


def decoded(path: Path | str) -> tuple[np.ndarray, int]:
    """Return the samples, as int16 or float, and the rate in Hz."""
    with av.open(path) as container:
        frames = list(container.decode(container.streams.audio[0]))
    return np.concatenate([frame.to_ndarray().ravel() for frame in frames]), frames[0].sample_rate


def codec_and_seconds(content: Path | bytes) -> tuple[str, float]:
    """Return the codec, and the seconds that a decoder gets."""
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    with av.open(source, "r") as container:
        frames = list(container.decode(container.streams.audio[0]))
        codec = container.streams.audio[0].codec_context.name
    return codec, sum(frame.samples for frame in frames) / frames[0].sample_rate


def decoded_seconds(content: bytes) -> float:
    """Return the seconds that a decoder gets, by the rate of the stream."""
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.audio[0]
        samples: int = sum(frame.samples for frame in container.decode(stream))
        return samples / stream.rate


def wav_samples(content: bytes) -> bytes:
    """Return the samples of a wav file, as it holds them."""
    with wave.open(io.BytesIO(content)) as sound:
        frames: bytes = sound.readframes(sound.getnframes())
        return frames


def streamed(job: Job) -> bytes:
    """Return the samples of a stream job, joined from its pieces."""
    return b"".join(
        base64.b64decode(piece["audio_chunk"])
        for piece in job.pieces
        if piece["status"] == "streaming"
    )
