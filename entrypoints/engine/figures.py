"""The figures of a speech that logs tell."""

from typing import Any

from application.speech_report import SpeechReport


def figures(report: SpeechReport) -> dict[str, Any]:
    """Return what a speech was and what it took, times in seconds."""
    timings = report.timings
    return {
        "engine": report.engine,
        "chunks": len(report.chunks),
        "audio": round(report.duration_seconds, 3),
        "first_audio": round(timings.first_audio, 3),
        "real_time_factor": round(timings.synthesis / report.duration_seconds, 3),
    }
