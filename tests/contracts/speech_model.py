"""What every speech model promises."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

from application.ports.speech_model import ModelState, ModelStatus, SpeechModel, SpokenPart
from domain.audio import Samples, Waveform, audible_span
from domain.delivery import Delivery
from domain.errors import InvalidRequest
from domain.voice import Recording

CHUNKS = ("Hello there.", "How are you today?", "Good bye.")
MANY_CHUNKS = tuple(f"This is sentence number {number}." for number in range(12))
STATUS_SECONDS = 10.0
"""How long a status may take on a busy machine; it takes no time worth measuring on another."""


def recording(pitch_hz: float = 150.0) -> Recording:
    """Return two seconds of a buzz that stands for a voice."""
    time = np.arange(2 * 16_000) / 16_000
    samples = (0.3 * np.sign(np.sin(2 * np.pi * pitch_hz * time))).astype(np.float32)
    digest = f"{int(pitch_hz):064x}"
    return Recording("buzz", "buzz.wav", digest, Waveform(samples, 16_000))


class SpeechModelContract(ABC):
    @pytest.fixture
    @abstractmethod
    def model(self) -> SpeechModel:
        """A model that has spoken nothing yet; it may be loaded."""

    @abstractmethod
    def refused_request(self) -> tuple[Sequence[str], Delivery]:
        """Return a request that the engine cannot speak: for its last chunk or its controls."""

    def work(self, model: SpeechModel) -> float:
        """Return how much the model has computed so far: seconds of processor time."""
        return time.process_time()

    def spoken(
        self, model: SpeechModel, chunks: Sequence[str] = CHUNKS, *, seed: int = 1
    ) -> list[SpokenPart]:
        return list(model.speak(chunks, voice=recording(), delivery=Delivery(seed=seed)))

    def samples(self, parts: Sequence[SpokenPart]) -> Samples:
        return np.concatenate([part.samples for part in parts])

    def test_parts_come_in_the_order_of_the_chunks_and_each_chunk_ends_once(
        self, model: SpeechModel
    ) -> None:
        parts = self.spoken(model)

        assert [part.chunk for part in parts] == sorted(part.chunk for part in parts)
        assert [part.chunk for part in parts if part.ends_chunk] == [0, 1, 2]
        for chunk in range(3):
            of_chunk = [part for part in parts if part.chunk == chunk]
            assert of_chunk[-1].ends_chunk

    def test_speaks_every_chunk_audibly(self, model: SpeechModel) -> None:
        parts = self.spoken(model)

        for chunk in range(3):
            samples = self.samples([part for part in parts if part.chunk == chunk])
            assert audible_span(samples) is not None

    def test_samples_are_mono_float32_within_full_scale(self, model: SpeechModel) -> None:
        for part in self.spoken(model):
            assert part.samples.dtype == np.float32
            assert part.samples.ndim == 1
            assert np.isfinite(part.samples).all()
            assert np.abs(part.samples).max(initial=0) <= 1

    def test_the_same_arguments_repeat_every_sample(self, model: SpeechModel) -> None:
        first = self.samples(self.spoken(model, seed=7))
        self.spoken(model, ["Something else in between."], seed=3)
        again = self.samples(self.spoken(model, seed=7))

        np.testing.assert_array_equal(first, again)

    def test_speaks_nothing_before_the_first_part_is_taken(self, model: SpeechModel) -> None:
        self.spoken(model)  # what only a first request computes is not measured
        before = self.work(model)
        speaking = model.speak(MANY_CHUNKS, voice=recording(), delivery=Delivery(seed=1))
        untaken = self.work(model) - before
        list(speaking)

        assert untaken < 0.1 * (self.work(model) - before)

    def test_the_first_part_comes_before_the_last_chunk_is_spoken(self, model: SpeechModel) -> None:
        self.spoken(model)  # what only a first request computes is not measured
        before = self.work(model)
        speaking = model.speak(MANY_CHUNKS, voice=recording(), delivery=Delivery(seed=1))
        next(speaking)
        first = self.work(model) - before
        list(speaking)

        assert first < 0.5 * (self.work(model) - before)

    def test_refuses_a_request_before_its_first_part(self, model: SpeechModel) -> None:
        chunks, delivery = self.refused_request()

        with pytest.raises(InvalidRequest):
            next(model.speak(chunks, voice=recording(), delivery=delivery))

    def test_speaks_after_a_request_was_refused(self, model: SpeechModel) -> None:
        chunks, delivery = self.refused_request()
        with pytest.raises(InvalidRequest):
            next(model.speak(chunks, voice=recording(), delivery=delivery))

        assert self.spoken(model)

    def test_speaks_the_same_after_a_request_was_closed_in_the_middle(
        self, model: SpeechModel
    ) -> None:
        whole = self.samples(self.spoken(model))
        with closing(model.speak(CHUNKS, voice=recording(), delivery=Delivery(seed=1))) as speaking:
            next(speaking)

        np.testing.assert_array_equal(self.samples(self.spoken(model)), whole)

    def test_a_closed_request_yields_no_more_parts(self, model: SpeechModel) -> None:
        speaking = model.speak(CHUNKS, voice=recording(), delivery=Delivery(seed=1))
        next(speaking)
        speaking.close()

        assert list(speaking) == []

    def test_speaks_after_a_request_was_closed_before_its_first_part(
        self, model: SpeechModel
    ) -> None:
        model.speak(CHUNKS, voice=recording(), delivery=Delivery(seed=1)).close()

        assert self.spoken(model)

    def test_loading_a_loaded_model_changes_nothing(self, model: SpeechModel) -> None:
        model.load()
        model.load()

        assert model.status().state is ModelState.READY

    def test_a_model_that_has_spoken_is_loaded(self, model: SpeechModel) -> None:
        self.spoken(model)

        assert model.status().state is ModelState.READY

    def test_another_thread_gets_the_status_in_the_middle_of_a_request(
        self, model: SpeechModel
    ) -> None:
        with (
            ThreadPoolExecutor(1) as thread,
            closing(model.speak(CHUNKS, voice=recording(), delivery=Delivery(seed=1))) as speaking,
        ):
            next(speaking)

            assert thread.submit(model.status).result(STATUS_SECONDS).state is ModelState.READY

    def test_another_thread_gets_the_status_while_the_model_speaks(
        self, model: SpeechModel
    ) -> None:
        found: list[ModelStatus] = []
        with ThreadPoolExecutor(1) as thread:
            speaking = thread.submit(self.spoken, model)
            while not found or not speaking.done():
                found.append(model.status())
                time.sleep(0.01)

            assert speaking.result()
        assert all(status.state.can_speak for status in found)

    def test_names_itself_its_device_and_its_sample_rate(self, model: SpeechModel) -> None:
        assert model.info.name
        assert model.info.device
        assert model.info.sample_rate_hz >= 8_000


class SamplingSpeechModelContract(SpeechModelContract):
    """A model that draws random numbers; the port lets others ignore the seed."""

    def test_another_seed_gives_other_samples(self, model: SpeechModel) -> None:
        first = self.samples(self.spoken(model, seed=1))
        other = self.samples(self.spoken(model, seed=2**62))

        assert not np.array_equal(first, other)
