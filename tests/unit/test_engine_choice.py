from collections.abc import Sequence
from dataclasses import replace

import pytest

from application.engine_choice import PassedOver, choose_engine
from application.ports.speech_model import ModelInfo, ModelState, ModelStatus
from domain.delivery import Delivery
from domain.errors import ModelUnavailable
from tests.contracts.speech_model import SpeechModelContract, recording
from tests.models.tone import ToneModel

NO_WEIGHTS = ModelStatus(ModelState.MISSING_WEIGHTS, ("gpt.pth",), "weights are missing", ("big",))
NO_DRIVER = ModelStatus(ModelState.NO_GPU, advice="there is no GPU")
READY = ModelStatus(ModelState.READY)
NO_PACKAGE = ModelStatus(ModelState.MISSING_PACKAGE, advice="install small", extras=("small",))


class Engine(ToneModel):
    """A model that is on ``device`` and in the state that it is given."""

    def __init__(self, status: ModelStatus, *, device: str = "cpu") -> None:
        super().__init__()
        self._found = status
        self._device = device

    @property
    def info(self) -> ModelInfo:
        return replace(super().info, device=self._device, uses_gpu=self._device.startswith("cuda"))

    def status(self) -> ModelStatus:
        return self._found

    def load(self) -> None:
        if not self._found.state.can_speak:
            raise ModelUnavailable(self._found.advice, extras=self._found.extras)


class TestSubstitute(SpeechModelContract):
    @pytest.fixture
    def model(self) -> object:
        choice = choose_engine(
            "auto", {"best": Engine(NO_WEIGHTS), "modest": ToneModel()}, setting="TTS_ENGINE"
        )
        return choice.explaining_model


def states(passed_over: Sequence[PassedOver]) -> Sequence[ModelState]:
    [engine] = passed_over
    return [reason.state for reason in engine.reasons]


def test_the_best_engine_speaks_where_it_can_on_a_gpu() -> None:
    best = Engine(READY, device="cuda:0")
    choice = choose_engine("auto", {"best": best, "modest": Engine(READY)}, setting="TTS_ENGINE")

    assert choice.model is best
    assert choice.passed_over == ()


def test_an_engine_that_is_named_is_taken_as_it_is() -> None:
    best = Engine(NO_WEIGHTS)

    assert (
        choose_engine(
            "best", {"best": best, "modest": Engine(READY)}, setting="TTS_ENGINE"
        ).explaining_model
        is best
    )


@pytest.mark.parametrize(
    ("status", "device", "reasons"),
    [
        (NO_WEIGHTS, "cuda:0", [ModelState.MISSING_WEIGHTS]),
        (NO_WEIGHTS, "cpu", [ModelState.MISSING_WEIGHTS, ModelState.NO_GPU]),
        (READY, "cpu", [ModelState.NO_GPU]),
        (NO_DRIVER, "cuda:0", [ModelState.NO_GPU]),
        (NO_DRIVER, "cpu", [ModelState.NO_GPU]),
    ],
)
def test_what_keeps_the_best_engine_is_told_as_values(
    status: ModelStatus, device: str, reasons: list[ModelState]
) -> None:
    choice = choose_engine(
        "auto",
        {"best": Engine(status, device=device), "modest": Engine(READY)},
        setting="TTS_ENGINE",
    )

    assert states(choice.passed_over) == reasons
    assert choice.model.status() == READY


def test_a_slow_engine_speaks_where_the_last_one_cannot() -> None:
    slow = Engine(READY)
    choice = choose_engine(
        "auto", {"best": slow, "modest": Engine(NO_PACKAGE)}, setting="TTS_ENGINE"
    )

    assert choice.model is slow
    assert states(choice.passed_over) == [ModelState.MISSING_PACKAGE]


def test_an_engine_that_cannot_speak_either_is_not_blamed_alone() -> None:
    choice = choose_engine(
        "auto", {"best": Engine(NO_WEIGHTS), "modest": Engine(NO_PACKAGE)}, setting="TTS_ENGINE"
    )
    model = choice.explaining_model

    status = model.status()
    assert status.state is ModelState.MISSING_PACKAGE
    assert status.extras == ("small", "big")
    for fail in (
        model.load,
        lambda: next(model.speak(["Hi."], voice=recording(), delivery=Delivery(seed=1))),
    ):
        with pytest.raises(ModelUnavailable) as refused:
            fail()
        assert refused.value.extras == ("small", "big")
        assert refused.value.message == status.advice
    assert status.advice.startswith("install small. tone was not chosen: weights are missing; it")
