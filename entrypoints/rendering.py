"""Results of the use cases as the objects that clients read."""

from base64 import b64encode
from collections.abc import Iterable, Sequence

from application.ports.storage import InlineObject
from application.ports.weights import WeightFile, WeightState
from application.references import VoiceEntry
from application.speak import StoredSpeech
from application.speech_report import SpeechReport, SpokenChunk
from application.utterance import SpokenSoFar
from entrypoints.results import (
    BatchResult,
    ChunkPlace,
    DownloadResult,
    InlineResult,
    Metadata,
    Progress,
    StageTimings,
    StreamEnd,
    VoiceLine,
    VoiceList,
    WeightLine,
)


def download_result(files: Sequence[WeightFile]) -> DownloadResult:
    """Return the result of the command ``download``."""
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


def progress(spoken: SpokenSoFar) -> Progress:
    """Return what the status of a running batch job shows."""
    return Progress(
        chunks_done=spoken.chunks_done, chunks=spoken.chunks, seconds=round(spoken.seconds, 3)
    )


def batch_result(spoken: StoredSpeech) -> BatchResult | InlineResult:
    """Return the answer to a batch job."""
    metadata = _metadata(
        spoken.report,
        sample_rate=spoken.sample_rate_hz,
        codec=spoken.codec,
        bitrate_kbps=spoken.bitrate_kbps,
        duration=spoken.duration_seconds,
        encoding=spoken.encoding_seconds,
        storage=spoken.storage_seconds,
    )
    if isinstance(spoken.stored, InlineObject):
        audio = b64encode(spoken.stored.content).decode()
        return InlineResult(filename=spoken.filename, audio_base64=audio, metadata=metadata)
    return BatchResult(
        filename=spoken.filename,
        url=spoken.stored.url,
        s3_key=spoken.stored.key,
        metadata=metadata,
    )


def stream_end(report: SpeechReport, *, pieces: int) -> StreamEnd:
    """Return the last object of a stream of ``pieces`` pieces."""
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


def voice_list(entries: Iterable[VoiceEntry]) -> VoiceList:
    """Return the answer to ``list_voices``."""
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
        chunks=[_chunk_place(chunk) for chunk in report.chunks],
        characters=report.characters,
        timings=_stage_timings(report, encoding=encoding, storage=storage),
        warnings=[warning.message for warning in report.warnings],
    )


def _chunk_place(chunk: SpokenChunk) -> ChunkPlace:
    return ChunkPlace(
        index=chunk.index, text=chunk.text, start=round(chunk.start, 6), end=round(chunk.end, 6)
    )


def _stage_timings(
    report: SpeechReport, *, encoding: float | None, storage: float | None
) -> StageTimings:
    timings = report.timings
    return StageTimings(
        load=round(timings.load, 6),
        first_audio=round(timings.first_audio, 6),
        synthesis=round(timings.synthesis, 6),
        encoding=None if encoding is None else round(encoding, 6),
        storage=None if storage is None else round(storage, 6),
        real_time_factor=round(timings.synthesis / report.duration_seconds, 6),
    )
