"""The objects that clients read, as a job's answer or a command's output."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """An object that clients read; it holds nothing that is not named here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ChunkPlace(Answer):
    """A chunk of the text, and where it is heard in seconds on the finished audio."""

    index: int
    text: str
    start: float
    end: float


class StageTimings(Answer):
    """Seconds per stage. ``real_time_factor`` is synthesis seconds per second of audio."""

    load: float
    first_audio: float
    synthesis: float
    encoding: float | None
    storage: float | None
    real_time_factor: float


class Metadata(Answer):
    """What was spoken, how, and what it cost."""

    sample_rate: int
    codec: str
    bitrate: str | None
    duration: float
    device: str
    speaker_voice: str
    emo_alpha: float
    emo_vector: list[float] | None
    engine: str
    seed: int
    chunks: list[ChunkPlace]
    characters: int
    timings: StageTimings
    warnings: list[str]


class Progress(Answer):
    """How far a batch job is: what its status shows while it runs.

    ``seconds`` is the length of the audio so far.
    """

    status: Literal["speaking"] = "speaking"
    chunks_done: int
    chunks: int
    seconds: float


class BatchResult(Answer):
    """A finished file."""

    status: Literal["completed"] = "completed"
    filename: str
    url: str
    s3_key: str
    metadata: Metadata


class InlineResult(Answer):
    """A finished file in the answer itself: ``audio_base64`` is its content."""

    status: Literal["completed"] = "completed"
    filename: str
    audio_base64: str
    metadata: Metadata


class SentPiece(Answer):
    """A piece as the finished job's output keeps it: its audio was streamed, and is not repeated.

    ``chunk`` counts the pieces from 1.
    """

    status: Literal["streaming"] = "streaming"
    chunk: int
    format: Literal["pcm_16"] = "pcm_16"
    sample_rate: int


class StreamPiece(SentPiece):
    """A piece as it is streamed; ``audio_chunk`` is base64 of little-endian int16 mono."""

    audio_chunk: str


class StreamEnd(Answer):
    """The last object of a stream."""

    status: Literal["complete"] = "complete"
    format: Literal["pcm_16"] = "pcm_16"
    total_chunks: int
    metadata: Metadata


class VoiceLine(Answer):
    """A voice that requests may name; ``problem`` says why a recording cannot be used."""

    name: str
    file: str
    duration: float
    problem: str | None = None


class VoiceList(Answer):
    """All voices."""

    voices: list[VoiceLine]


class WeightLine(Answer):
    """One file of the model, as ``ORG/REPOSITORY/path``."""

    name: str
    size_bytes: int
    state: Literal["whole", "copied", "fetched", "missing", "damaged"]


class DownloadResult(Answer):
    """The model's files; ``incomplete`` where one is missing or damaged."""

    status: Literal["completed", "incomplete"]
    fetched_bytes: int
    missing: list[str]
    damaged: list[str]
    files: list[WeightLine]
