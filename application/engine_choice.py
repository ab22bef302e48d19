"""Which speech model speaks, and why a preferred one does not."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

from application.ports.speech_model import (
    ModelInfo,
    ModelState,
    ModelStatus,
    SpeechModel,
    SpokenPart,
)
from domain.delivery import Delivery
from domain.errors import ModelUnavailable
from domain.voice import Recording

AUTO = "auto"
"""The choice of the best engine that this machine can run."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A preferred engine that was not chosen; ``reasons`` holds one status for each obstacle."""

    engine: str
    reasons: tuple[ModelStatus, ...]

    def __str__(self) -> str:
        advice = "; ".join(status.advice for status in self.reasons)
        return f"{self.engine} was not chosen: {advice}"

    @property
    def extras(self) -> tuple[str, ...]:
        """Optional parts of this product that would have to be installed for it."""
        return tuple(extra for status in self.reasons for extra in status.extras)


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The model that speaks, and the preferred ones that do not."""

    model: SpeechModel
    passed_over: tuple[PassedOver, ...] = ()

    @property
    def explaining_model(self) -> SpeechModel:
        """The model; where it cannot speak, its advice also names the preferred ones' obstacles."""
        return Substitute(self.model, self.passed_over) if self.passed_over else self.model


def choose_engine(name: str, engines: Mapping[str, SpeechModel], *, setting: str) -> EngineChoice:
    """Return the engine called ``name``.

    ``auto`` means the first of ``engines`` that has everything it needs and runs on a GPU, else the
    last one. Where that one cannot speak, it is the first that can, if only slowly. ``setting`` is
    the setting that gives ``name``, for the advice.

    Raises:
        KeyError: There is no engine of that name.
    """
    if name != AUTO:
        return EngineChoice(engines[name])
    *preferred, last = engines.values()
    passed_over: list[PassedOver] = []
    for model in preferred:
        obstacles = tuple(_obstacles(model, setting))
        if not obstacles:
            return EngineChoice(model, tuple(passed_over))
        passed_over.append(PassedOver(model.info.name, obstacles))
    last_status = last.status()
    for model in preferred:
        if model.status().state.can_speak and not last_status.state.can_speak:
            return EngineChoice(model, (PassedOver(last.info.name, (last_status,)),))
    return EngineChoice(last, tuple(passed_over))


def _obstacles(model: SpeechModel, setting: str) -> Generator[ModelStatus, None, None]:
    status, info = model.status(), model.info
    if not status.state.can_speak:
        yield status
    if status.state is not ModelState.NO_GPU and not info.uses_gpu:
        yield ModelStatus(
            ModelState.NO_GPU,
            advice=f"it would compute on the {info.device}, which is slow; set"
            f" {setting}={info.name} if you want that, or use a machine with a GPU",
        )


class Substitute:
    """A model in the place of preferred ones; where it cannot speak, all reasons are given.

    Args:
        model: The model that speaks.
        passed_over: The preferred ones.
    """

    def __init__(self, model: SpeechModel, passed_over: Sequence[PassedOver]) -> None:
        self._model = model
        self._reasons = ". ".join(str(engine) for engine in passed_over)
        self._extras = tuple(extra for engine in passed_over for extra in engine.extras)

    @property
    def info(self) -> ModelInfo:
        return self._model.info

    def status(self) -> ModelStatus:
        status = self._model.status()
        if status.state.can_speak:
            return status
        return ModelStatus(
            status.state,
            status.missing_files,
            f"{status.advice}. {self._reasons}",
            (*status.extras, *self._extras),
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
            f"{error.message}. {self._reasons}", extras=(*error.extras, *self._extras)
        )
