"""What a person who adds a voice should know about its recording."""

from application.references import CheckedRecording
from domain.recording_check import concerns, measure


def recording_warnings(reference: CheckedRecording) -> list[str]:
    """Return a sentence for each thing that makes a worse voice of ``reference``."""
    messages = [warning.message for warning in reference.warnings]
    return [*messages, *concerns(measure(reference.recording.waveform))]
