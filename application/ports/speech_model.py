"""Text to speech: the model behind the product, and what it tells of itself."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from domain.audio import Samples
from domain.delivery import Delivery
from domain.voice import Recording


class ModelState(Enum):
    """How far a speech model is from speaking."""

    MISSING_PACKAGE = "missing_package"
    MISSING_WEIGHTS = "missing_weights"
    NO_GPU = "no_gpu"
    NOT_LOADED = "not_loaded"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"

    @property
    def can_speak(self) -> bool:
        """Whether a request would be spoken, if only after loading."""
        return self in (ModelState.NOT_LOADED, ModelState.LOADING, ModelState.READY)


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model's state, and what to do about it where it cannot speak."""

    state: ModelState
    missing_files: tuple[str, ...] = ()
    advice: str = ""


@dataclass(frozen=True, slots=True)
class SpokenPart:
    """A stretch of one chunk's audio.

    Parts come in the order of the chunks and, within a chunk, in time; the last part of a chunk
    has ``ends_chunk`` set, and every chunk has such a part, if only an empty one.
    ``warnings`` are sentences for the caller; ``emotion_weights`` are the eight weights that the
    model used where it found them itself (emotion from words), on any one part.
    """

    chunk: int
    samples: Samples
    ends_chunk: bool
    warnings: tuple[str, ...] = ()
    emotion_weights: tuple[float, ...] | None = None


class SpeechModel(Protocol):
    """Text to speech in the voice of a recording."""

    @property
    def engine(self) -> str:
        """Its name in results: ``indextts2``, ``preview``."""

    @property
    def device(self) -> str:
        """Where it computes: ``cpu``, ``cuda:0``."""

    @property
    def clones_voices(self) -> bool:
        """Whether recordings, emotion and sampling controls change what it speaks."""

    @property
    def sample_rate_hz(self) -> int:
        """The rate of every part; known without loading."""

    def status(self) -> ModelStatus:
        """How far it is from speaking; answers at once, in any thread, and never raises."""

    def load(self) -> None:
        """Make ready to speak; does nothing when it already is.

        Raises:
            ModelUnavailable: package, weights or accelerator missing, or weights unloadable.
            OutOfMemory: the accelerator is too small.
        """

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        """Speak all ``chunks`` of one request, lazily; loads the model when that is still to do.

        All chunks come at once so that an adapter may batch them. The same arguments give the
        same samples. Closing the generator stops the work and frees what it held.

        Raises:
            InvalidRequest: the engine cannot speak this text or these controls; before any part.
            ModelUnavailable, OutOfMemory, SynthesisFailed: on the part they happen.
        """
