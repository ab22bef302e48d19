"""The report of one request: what was spoken, and how long it took."""

from dataclasses import dataclass

from domain.warnings import SpeechWarning


@dataclass(frozen=True, slots=True)
class SpokenChunk:
    """A chunk and its start and end in the finished audio, in seconds."""

    index: int
    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds that a request took.

    ``load``: loading the model, if that was still to do. ``first_audio``: from the first read,
    loading included, to the first final sample. ``synthesis``: all time inside the model, without
    loading.
    """

    load: float
    first_audio: float
    synthesis: float


@dataclass(frozen=True, slots=True)
class SpeechReport:
    """What was spoken, and how.

    ``emo_alpha`` is the emotion's strength as the request gave it. ``emotion_weights`` are the
    eight weights that the model received, or None where the emotion is not given by weights.
    """

    engine: str
    device: str
    sample_rate_hz: int
    sample_count: int
    seed: int
    speaker_voice: str
    characters: int
    chunks: tuple[SpokenChunk, ...]
    emo_alpha: float
    emotion_weights: tuple[float, ...] | None
    timings: Timings
    warnings: tuple[SpeechWarning, ...]

    @property
    def duration_seconds(self) -> float:
        """Length of the joined audio, in seconds."""
        return self.sample_count / self.sample_rate_hz
