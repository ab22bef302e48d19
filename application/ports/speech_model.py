"""Text to speech: the model behind the product, and what it tells of itself."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from application.ports.weights import WeightBytes
from domain.audio import Samples
from domain.delivery import Delivery
from domain.voice import Recording
from domain.warnings import SpeechWarning


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
    """A model's state, and what to do about it where it cannot speak.

    ``extras`` are the optional parts of this product that would have to be installed. ``weights``
    is how far the weights are while they come; the state is ``LOADING`` then.
    """

    state: ModelState
    missing_files: tuple[str, ...] = ()
    advice: str = ""
    extras: tuple[str, ...] = ()
    weights: WeightBytes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SpokenPart:
    """A stretch of one chunk's audio.

    Parts come in the order of the chunks and, within a chunk, in time; the last part of a chunk
    has ``ends_chunk`` set, and every chunk has such a part, if only an empty one.
    ``emotion_weights`` are the eight weights that the model used where it found them itself
    (emotion from words), on any one part.
    """

    chunk: int
    samples: Samples
    ends_chunk: bool
    warnings: tuple[SpeechWarning, ...] = ()
    emotion_weights: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a speech model is.

    Args:
        name: The engine's name in settings and results: ``indextts2``, ``preview``.
        device: The device that it computes on: ``cpu``, ``cuda:0``.
        uses_gpu: Whether that device is a GPU.
        clones_voices: Whether recordings, emotion and sampling controls change what it speaks.
        sample_rate_hz: The rate of every part.
    """

    name: str
    device: str
    uses_gpu: bool
    clones_voices: bool
    sample_rate_hz: int


class SpeechModel(Protocol):
    """Text to speech in the voice of a recording."""

    @property
    def info(self) -> ModelInfo:
        """What the model is; known without loading."""

    def status(self) -> ModelStatus:
        """How far it is from speaking; answers at once, in any thread, and never raises."""

    def load(self) -> None:
        """Make ready to speak; does nothing when it already is.

        Raises:
            ModelUnavailable: package, weights or accelerator missing, or weights unloadable.
            OutOfMemory: the accelerator is too small.
            DeviceLost: the accelerator failed; see ``speak``.
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
            DeviceLost: the accelerator failed; from then on the model's state is ``FAILED``, and
                every request is refused at once with ModelUnavailable.
        """
