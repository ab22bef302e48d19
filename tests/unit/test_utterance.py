"""The order of calls that an utterance enforces."""

from typing import Any

import numpy as np
import pytest

from application.utterance import Utterance
from domain.audio import Waveform
from domain.delivery import Delivery
from domain.errors import Cancelled, OutOfMemory
from domain.joins.pause import Pause
from domain.text.chunking import Chunk
from domain.voice import Recording
from domain.warnings import SpeechWarning, WarningCode
from tests.fakes.block_stretch import block_stretch
from tests.models.tone import RATE_HZ, ToneModel

CHUNKS = (Chunk(0, "One."), Chunk(1, "Two."))
VOICE = Recording("alice", "alice.wav", "0" * 64, Waveform(np.ones(RATE_HZ, np.float32), RATE_HZ))


def utterance(*, speed: float = 1.0, **model_options: Any) -> Utterance:
    return Utterance(
        speed=speed,
        model=ToneModel(**model_options),
        characters=8,
        chunks=CHUNKS,
        voice=VOICE,
        delivery=Delivery(seed=1),
        join=Pause(300),
        stretch=block_stretch,
    )


def test_reports_after_all_samples_were_read() -> None:
    spoken = utterance()

    count = sum(len(samples) for samples in spoken.samples())

    report = spoken.report()
    assert report.sample_count == count
    assert [chunk.text for chunk in report.chunks] == ["One.", "Two."]


def test_at_another_speed_the_report_is_that_of_the_result() -> None:
    as_spoken, faster = utterance(), utterance(speed=1.25)
    count = sum(len(samples) for samples in as_spoken.samples())
    assert sum(len(samples) for samples in faster.samples()) == round(count / 1.25)

    before, after = as_spoken.report(), faster.report()
    assert after.sample_count == round(count / 1.25)
    assert after.sample_rate_hz == before.sample_rate_hz
    for chunk, spoken in zip(after.chunks, before.chunks, strict=True):
        assert chunk.start == pytest.approx(spoken.start / 1.25)
        assert chunk.end == pytest.approx(spoken.end / 1.25)


def test_gives_each_warning_once() -> None:
    limit = SpeechWarning(WarningCode.LENGTH_LIMIT, "chunk 1 reached the limit")
    unknown = SpeechWarning(WarningCode.UNKNOWN_TEXT, "chunk 1: unknown")
    spoken = utterance(warnings=(limit, unknown))

    list(spoken.samples())

    assert spoken.report().warnings == (limit, unknown)


def test_refuses_to_speak_twice() -> None:
    spoken = utterance()
    list(spoken.samples())

    with pytest.raises(RuntimeError, match="an utterance is spoken once"):
        spoken.samples()


def test_refuses_a_second_reader_before_the_first_has_begun() -> None:
    spoken = utterance()
    first = spoken.samples()

    with pytest.raises(RuntimeError, match="an utterance is spoken once"):
        spoken.samples()
    assert list(first)


def test_refuses_to_report_before_anything_was_read() -> None:
    with pytest.raises(RuntimeError, match="only after all its samples were read"):
        utterance().report()


def test_refuses_to_report_while_samples_are_left() -> None:
    spoken = utterance()
    samples = spoken.samples()
    next(samples)

    with pytest.raises(RuntimeError, match="only after all its samples were read"):
        spoken.report()
    samples.close()


def test_refuses_to_report_a_reading_that_was_closed_early() -> None:
    spoken = utterance()
    samples = spoken.samples()
    next(samples)
    samples.close()

    with pytest.raises(RuntimeError, match="only after all its samples were read"):
        spoken.report()


def test_refuses_to_report_a_speech_that_was_cancelled() -> None:
    def cancel() -> None:
        raise Cancelled("stopped")

    spoken = utterance()
    with pytest.raises(Cancelled):
        list(spoken.samples(checkpoint=cancel))

    with pytest.raises(RuntimeError, match="only after all its samples were read"):
        spoken.report()


def test_refuses_to_report_a_speech_that_failed() -> None:
    spoken = utterance(fails_at={1: OutOfMemory("full")})
    with pytest.raises(OutOfMemory):
        list(spoken.samples())

    with pytest.raises(RuntimeError, match="only after all its samples were read"):
        spoken.report()


def test_does_not_touch_the_model_before_the_samples_are_read() -> None:
    class UntouchableModel(ToneModel):
        @property
        def sample_rate_hz(self) -> int:
            raise AssertionError("the model's sample rate was read")

        def load(self) -> None:
            raise AssertionError("the model was loaded")

    Utterance(
        model=UntouchableModel(),
        characters=8,
        chunks=CHUNKS,
        voice=VOICE,
        delivery=Delivery(seed=1),
        join=Pause(300),
        stretch=block_stretch,
    ).samples()
