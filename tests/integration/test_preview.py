import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from adapters.preview import PreviewModel
from application.ports.speech_model import ModelState, SpeechModel
from domain.delivery import Delivery
from domain.errors import InvalidRequest, ModelUnavailable, OutOfMemory
from tests.contracts.speech_model import CHUNKS, SamplingSpeechModelContract, recording


@pytest.fixture(scope="module")
def loaded() -> PreviewModel:
    model = PreviewModel()
    model.load()
    return model


class TestPreviewModel(SamplingSpeechModelContract):
    @pytest.fixture
    def model(self, loaded: PreviewModel) -> SpeechModel:
        return loaded

    def refused_request(self) -> tuple[Sequence[str], Delivery]:
        return [*CHUNKS, "你好"], Delivery(seed=1)


@pytest.mark.parametrize(
    ("text", "sound"), [("你好", "你"), ("Hello, мир", "м"), ("Ωmega", "Ω"), ("٣ apples", "٣")]
)
def test_refuses_a_script_it_has_no_sound_for(text: str, sound: str) -> None:
    model = PreviewModel()

    with pytest.raises(InvalidRequest, match=f"text: .*{sound}.*indextts2"):
        next(model.speak(["Fine.", text], voice=recording(), delivery=Delivery(seed=1)))

    assert model.status().state is ModelState.NOT_LOADED


@pytest.mark.parametrize("text", ["Café, naïve, Müller.", "5 µm at 20 °C costs $3.50!", "x"])
def test_speaks_latin_letters_digits_and_signs(loaded: PreviewModel, text: str) -> None:
    parts = list(loaded.speak([text], voice=recording(), delivery=Delivery(seed=1)))

    assert sum(len(part.samples) for part in parts) > 2_000


def test_a_chunk_has_the_same_samples_whatever_follows_it(loaded: PreviewModel) -> None:
    def first(chunks: list[str]) -> np.ndarray:
        parts = loaded.speak(chunks, voice=recording(), delivery=Delivery(seed=5))
        return np.concatenate([part.samples for part in parts if part.chunk == 0])

    np.testing.assert_array_equal(first(["One here."]), first(["One here.", "Two there."]))


def test_loading_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", "from adapters.preview import PreviewModel; PreviewModel().load()"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        check=True,
    )

    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_a_missing_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hibari", None)  # what import does where it is not installed

    with pytest.raises(ModelUnavailable, match="install the extra preview") as refused:
        PreviewModel().load()

    assert refused.value.extras == ("preview",)


def test_a_voice_that_cannot_be_loaded_is_a_missing_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    damaged = tmp_path / "hibari.onnx"
    damaged.write_bytes(b"no model")
    monkeypatch.setattr("hibari.Hibari.__init__.__defaults__", ("heart", str(damaged), 1, None))

    with pytest.raises(ModelUnavailable, match="reinstall"):
        PreviewModel().load()


class Full:
    """A voice for which there is no memory."""

    def __init__(self) -> None:
        raise MemoryError


def test_a_voice_that_does_not_fit_in_memory_is_out_of_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hibari.Hibari", Full)

    with pytest.raises(OutOfMemory):
        PreviewModel().load()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while"
            " running Conv node. bfc_arena.cc:376 Failed to allocate memory for requested buffer"
        ),
    ],
)
def test_speech_that_does_not_fit_in_memory_is_out_of_memory(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def stream(*_: object, **__: object) -> object:
        raise error

    monkeypatch.setattr("hibari.Hibari.stream", stream)

    with pytest.raises(OutOfMemory, match="send shorter chunks"):
        list(PreviewModel().speak(["Hello."], voice=recording(), delivery=Delivery(seed=1)))
