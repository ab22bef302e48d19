from collections.abc import Iterator

import numpy as np
import pytest

from application.checked_texts import CheckedText
from application.references import References
from application.selfcheck import CheckRow, SelfCheck
from application.speak import Speak
from domain.errors import InvalidRequest
from domain.warnings import SpeechWarning, WarningCode
from tests.fakes.block_stretch import block_stretch
from tests.fakes.memory_store import MemoryStore
from tests.fakes.memory_voices import MemoryVoices
from tests.fakes.raw_codec import RawDecoder, RawEncoder, raw_recording
from tests.models.tone import ToneModel

BUZZ = np.tile(np.array([0.3, -0.3], dtype=np.float32), 16_000)
TEXT = CheckedText("sentence", "The quick brown fox.", 6, 30)


def checked(model: ToneModel) -> list[CheckRow]:
    return list(rows(model))


def rows(model: ToneModel) -> Iterator[CheckRow]:
    speak = Speak(
        model=model,
        references=References(
            voices=MemoryVoices({"alice.wav": raw_recording(BUZZ, 16_000)}), decoder=RawDecoder()
        ),
        encoder=RawEncoder(),
        stretch=block_stretch,
        store=MemoryStore(),
        default_voice="alice",
    )
    return SelfCheck(speak=speak, texts=[TEXT]).run()


def test_finds_a_model_that_speaks_as_it_should_well() -> None:
    sentence, repetition = checked(ToneModel(seconds=1.5))

    assert (sentence.problems, repetition.problems) == ((), ())
    assert sentence.seconds == pytest.approx(2.0, abs=0.01)
    assert sentence.characters_per_second == pytest.approx(10, abs=0.1)
    assert sentence.silence_seconds == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (ToneModel(seconds=20), "1.0 characters a second"),
        (ToneModel(seconds=0.1, edge_seconds=0.01), "166.7 characters a second"),
        (ToneModel(seconds=1.5, level=1.5), "of the samples are clipped"),
        (ToneModel(seconds=1.5, edge_seconds=2.5), "2.5 s of silence"),
    ],
)
def test_names_what_is_out_of_bounds(model: ToneModel, problem: str) -> None:
    assert any(problem in found for found in checked(model)[0].problems)


def test_counts_a_text_that_reached_the_length_limit_as_a_problem_and_no_other_warning() -> None:
    warnings = (
        SpeechWarning(WarningCode.LENGTH_LIMIT, "it may be cut off"),
        SpeechWarning(WarningCode.UNKNOWN_TEXT, "max_mel_tokens is not known"),
    )

    assert checked(ToneModel(seconds=1.5, warnings=warnings))[0].problems == ("it may be cut off",)


def test_finds_a_model_that_does_not_repeat_itself() -> None:
    class Moody(ToneModel):
        def _tone(self, index: int, voice: object, delivery: object) -> np.ndarray:
            return np.random.default_rng(len(self.requests)).uniform(-1, 1, 40_000).astype("f4")

    assert "the same seed gave other samples" in checked(Moody())[-1].problems


def test_finds_a_model_that_is_deaf_to_seeds() -> None:
    class Monotonous(ToneModel):
        def _tone(self, index: int, voice: object, delivery: object) -> np.ndarray:
            return np.random.default_rng(1).uniform(-1, 1, 40_000).astype("f4")

    assert "another seed gave the same samples" in checked(Monotonous())[-1].problems


def test_a_text_that_an_engine_refuses_is_no_problem_of_the_machine() -> None:
    class English(ToneModel):
        def load(self) -> None:
            raise InvalidRequest("text", "English only")

    refused = next(rows(English()))

    assert (refused.problems, refused.refusal) == ((), "text: English only")
