"""What is measured of an utterance while it is spoken."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from application.ports.speech_model import SpokenPart
from domain.audio import audible_span
from domain.errors import SynthesisFailed
from domain.text.chunking import Chunk
from domain.warnings import SpeechWarning, WarningCode


@dataclass(slots=True)
class Measurements:
    """Measurements of the speech so far; times in seconds, as in ``Timings``."""

    sample_count: int = 0
    load: float = 0.0
    first_audio: float = 0.0
    synthesis: float = 0.0
    audible_chunks: set[int] = field(default_factory=set)
    emotion_weights: tuple[float, ...] | None = None
    warnings: list[SpeechWarning] = field(default_factory=list)

    def add(self, part: SpokenPart) -> None:
        """Take the warnings, the weights and the audibility of ``part``.

        Raises:
            SynthesisFailed: a sample is not finite.
        """
        if not np.isfinite(part.samples).all():
            raise SynthesisFailed("the model produced samples that are not finite")
        if audible_span(part.samples):
            self.audible_chunks.add(part.chunk)
        self.warnings.extend(part.warnings)
        self.emotion_weights = part.emotion_weights or self.emotion_weights

    def require_speech(self, chunks: Sequence[Chunk]) -> None:
        """Add a warning for each silent one of ``chunks``.

        Raises:
            SynthesisFailed: all of them are silent.
        """
        if not self.audible_chunks:
            raise SynthesisFailed("the model produced nothing audible for this text")
        self.warnings.extend(
            SpeechWarning(
                WarningCode.CHUNK_SILENT,
                f"chunk {chunk.index} is silent: the model found nothing to speak in"
                f" {chunk.text!r}",
            )
            for chunk in chunks
            if chunk.index not in self.audible_chunks
        )
