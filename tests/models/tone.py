"""A speech model that speaks tones: instant, exact, and with the faults that a test needs."""

from collections.abc import Generator, Sequence

import numpy as np

from application.ports.speech_model import ModelInfo, ModelState, ModelStatus, SpokenPart
from domain.audio import Samples
from domain.delivery import Delivery
from domain.emotion import WordsEmotion
from domain.errors import InvalidRequest, SpeechError
from domain.voice import Recording
from domain.warnings import SpeechWarning

RATE_HZ = 22_050


class ToneModel:
    """Speaks every chunk as a tone between two silences, in parts of ``part_seconds``.

    Voice, seed and chunk choose the pitch. ``requests`` keeps every request, ``spoken`` the chunks
    spoken so far. ``fails_at`` maps a chunk to the error that it raises; a request with a chunk
    that contains ``refused`` is an ``InvalidRequest``. Every part carries ``warnings``.
    """

    def __init__(
        self,
        *,
        seconds: float = 0.5,
        edge_seconds: float = 0.25,
        part_seconds: float = 0.2,
        clones_voices: bool = True,
        fails_at: dict[int, SpeechError] | None = None,
        silent_chunks: Sequence[int] = (),
        level: float = 0.5,
        refused: str | None = None,
        warnings: tuple[SpeechWarning, ...] = (),
    ) -> None:
        self._seconds = seconds
        self._edge = np.zeros(int(edge_seconds * RATE_HZ), dtype=np.float32)
        self._part = max(int(part_seconds * RATE_HZ), 1)
        self._clones_voices = clones_voices
        self._fails_at = fails_at or {}
        self._silent_chunks = silent_chunks
        self._level = level
        self._refused = refused
        self._warnings = warnings
        self._state = ModelState.NOT_LOADED
        self.requests: list[tuple[tuple[str, ...], Recording, Delivery]] = []
        self.spoken: list[int] = []
        self.closed_early = False

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(
            name="tone",
            device="cpu",
            uses_gpu=False,
            clones_voices=self._clones_voices,
            sample_rate_hz=RATE_HZ,
        )

    def status(self) -> ModelStatus:
        return ModelStatus(self._state)

    def load(self) -> None:
        self._state = ModelState.READY

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        if self._refused is not None and any(self._refused in chunk for chunk in chunks):
            raise InvalidRequest("text", f"this model cannot speak {self._refused}")
        self.load()
        self.requests.append((tuple(chunks), voice, delivery))
        has_finished = False
        try:
            for index in range(len(chunks)):
                if index in self._fails_at:
                    raise self._fails_at[index]
                yield from self._chunk(index, voice, delivery)
                self.spoken.append(index)
            has_finished = True
        finally:
            self.closed_early = not has_finished

    def _chunk(
        self, index: int, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        weights = (0.1,) * 8 if isinstance(delivery.emotion, WordsEmotion) else None
        samples = self._tone(index, voice, delivery)
        for start in range(0, len(samples), self._part):
            yield SpokenPart(
                index,
                samples[start : start + self._part],
                ends_chunk=start + self._part >= len(samples),
                warnings=self._warnings,
                emotion_weights=weights if start == 0 else None,
            )

    def _tone(self, index: int, voice: Recording, delivery: Delivery) -> Samples:
        draw = np.random.default_rng([delivery.seed, index, int(voice.digest[:8], 16)])
        time = np.arange(int(self._seconds * RATE_HZ)) / RATE_HZ
        # A cosine begins at full level, so that a missing ramp is an audible click.
        tone = self._level * np.cos(2 * np.pi * draw.uniform(100, 1000) * time)
        if index in self._silent_chunks:
            tone = np.zeros_like(tone)
        return np.concatenate([self._edge, tone.astype(np.float32), self._edge])
