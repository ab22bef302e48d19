"""Which speech model speaks when the operator leaves the choice to us, and why."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from application.ports.speech_model import ModelState, ModelStatus, SpeechModel, SpokenPart
from domain.delivery import Delivery
from domain.errors import ModelUnavailable
from domain.voice import Recording


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A better engine that was not chosen; ``reasons`` holds one status for each obstacle."""

    engine: str
    reasons: tuple[ModelStatus, ...]

    def __str__(self) -> str:
        return (
            f"{self.engine} was not chosen: {'; '.join(status.advice for status in self.reasons)}"
        )

    @property
    def extras(self) -> tuple[str, ...]:
        """Optional parts of this product that would have to be installed for it."""
        return tuple(extra for status in self.reasons for extra in status.extras)


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The model that speaks, and the better one that does not, if so."""

    model: SpeechModel
    passed_over: PassedOver | None = None


def choose_engine(*, best: SpeechModel, modest: SpeechModel) -> EngineChoice:
    """Choose ``best`` where all it needs is there and it would run on a GPU, else ``modest``."""
    reasons = tuple(_obstacles(best))
    if not reasons:
        return EngineChoice(best)
    passed_over = PassedOver(best.engine, reasons)
    return EngineChoice(Substitute(modest, passed_over), passed_over)


def _obstacles(model: SpeechModel) -> Generator[ModelStatus, None, None]:
    status = model.status()
    if not status.state.can_speak:
        yield status
    if status.state is not ModelState.NO_GPU and not model.device.startswith("cuda"):
        yield ModelStatus(
            ModelState.NO_GPU,
            advice=f"it would compute on the {model.device}, which is slow; set"
            f" TTS_ENGINE={model.engine} if you want that, or use a machine with a GPU",
        )


class Substitute:
    """A model in the place of a better one: where it cannot speak, both reasons are told."""

    def __init__(self, model: SpeechModel, passed_over: PassedOver) -> None:
        self._model = model
        self._passed_over = passed_over

    @property
    def engine(self) -> str:
        return self._model.engine

    @property
    def device(self) -> str:
        return self._model.device

    @property
    def clones_voices(self) -> bool:
        return self._model.clones_voices

    @property
    def sample_rate_hz(self) -> int:
        return self._model.sample_rate_hz

    def status(self) -> ModelStatus:
        status = self._model.status()
        if status.state.can_speak:
            return status
        return ModelStatus(
            status.state,
            status.missing_files,
            f"{status.advice}. {self._passed_over}",
            (*status.extras, *self._passed_over.extras),
        )

    def load(self) -> None:
        try:
            self._model.load()
        except ModelUnavailable as error:
            raise self._explained(error) from error

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        try:
            yield from self._model.speak(chunks, voice=voice, delivery=delivery)
        except ModelUnavailable as error:
            raise self._explained(error) from error

    def _explained(self, error: ModelUnavailable) -> ModelUnavailable:
        return ModelUnavailable(
            f"{error.message}. {self._passed_over}",
            extras=(*error.extras, *self._passed_over.extras),
        )
