"""What a job answers: the objects that clients read."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from application.ports.weights import WeightFile, WeightState
from application.references import VoiceEntry
from application.speak import StoredSpeech
from application.speech_report import SpeechReport


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


class BatchResult(Answer):
    """A finished file."""

    status: Literal["completed"] = "completed"
    filename: str
    url: str
    s3_key: str
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


def download_result(files: Sequence[WeightFile]) -> DownloadResult:
    """The answer of the command ``download``."""
    named = {
        state: [file.name for file in files if file.state is state]
        for state in (WeightState.MISSING, WeightState.DAMAGED)
    }
    return DownloadResult(
        status="incomplete" if any(named.values()) else "completed",
        fetched_bytes=sum(file.size_bytes for file in files if file.state is WeightState.FETCHED),
        missing=named[WeightState.MISSING],
        damaged=named[WeightState.DAMAGED],
        files=[
            WeightLine(name=file.name, size_bytes=file.size_bytes, state=file.state.value)
            for file in files
        ],
    )


def batch_result(spoken: StoredSpeech) -> BatchResult:
    """The answer to a batch job."""
    return BatchResult(
        filename=spoken.filename,
        url=spoken.stored.url,
        s3_key=spoken.stored.key,
        metadata=_metadata(
            spoken.report,
            sample_rate=spoken.sample_rate_hz,
            codec=spoken.codec,
            bitrate_kbps=spoken.bitrate_kbps,
            duration=spoken.duration_seconds,
            encoding=spoken.encoding_seconds,
            storage=spoken.storage_seconds,
        ),
    )


def stream_end(report: SpeechReport, *, pieces: int) -> StreamEnd:
    """The last answer to a stream job."""
    return StreamEnd(
        total_chunks=pieces,
        metadata=_metadata(
            report,
            sample_rate=report.sample_rate_hz,
            codec="pcm_16",
            bitrate_kbps=None,
            duration=report.duration_seconds,
            encoding=None,
            storage=None,
        ),
    )


def voice_list(entries: list[VoiceEntry]) -> VoiceList:
    """The answer to ``list_voices``."""
    return VoiceList(
        voices=[
            VoiceLine(
                name=entry.name,
                file=entry.file,
                duration=round(entry.duration_seconds, 3),
                problem=entry.problem or None,
            )
            for entry in entries
        ]
    )


def _metadata(
    report: SpeechReport,
    *,
    sample_rate: int,
    codec: str,
    bitrate_kbps: int | None,
    duration: float,
    encoding: float | None,
    storage: float | None,
) -> Metadata:
    timings = report.timings
    weights = report.emotion_weights
    return Metadata(
        sample_rate=sample_rate,
        codec=codec,
        bitrate=f"{bitrate_kbps}k" if bitrate_kbps else None,
        duration=round(duration, 6),
        device=report.device,
        speaker_voice=report.speaker_voice,
        emo_alpha=report.emo_alpha,
        emo_vector=None if weights is None else [round(weight, 6) for weight in weights],
        engine=report.engine,
        seed=report.seed,
        chunks=[
            ChunkPlace(
                index=chunk.index,
                text=chunk.text,
                start=round(chunk.start, 6),
                end=round(chunk.end, 6),
            )
            for chunk in report.chunks
        ],
        characters=report.characters,
        timings=StageTimings(
            load=round(timings.load, 6),
            first_audio=round(timings.first_audio, 6),
            synthesis=round(timings.synthesis, 6),
            encoding=None if encoding is None else round(encoding, 6),
            storage=None if storage is None else round(storage, 6),
            real_time_factor=round(timings.synthesis / report.duration_seconds, 6),
        ),
        warnings=[warning.message for warning in report.warnings],
    )
