"""What every speech model promises."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import closing

import numpy as np
import pytest

from application.ports.speech_model import ModelState, SpeechModel, SpokenPart
from domain.audio import Samples, Waveform, audible_span
from domain.delivery import Delivery
from domain.voice import Recording

CHUNKS = ("Hello there.", "How are you today?", "Good bye.")


def recording(pitch_hz: float = 150.0) -> Recording:
    """Two seconds of a buzz that stands for a voice."""
    time = np.arange(2 * 16_000) / 16_000
    samples = (0.3 * np.sign(np.sin(2 * np.pi * pitch_hz * time))).astype(np.float32)
    digest = f"{int(pitch_hz):064x}"
    return Recording("buzz", "buzz.wav", digest, Waveform(samples, 16_000))


class SpeechModelContract(ABC):
    @pytest.fixture
    @abstractmethod
    def model(self) -> SpeechModel:
        """A model that has not been asked anything; it may be loaded."""

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

    def test_the_same_seed_repeats_every_sample(self, model: SpeechModel) -> None:
        first = self.samples(self.spoken(model, seed=7))
        self.spoken(model, ["Something else in between."], seed=3)
        again = self.samples(self.spoken(model, seed=7))

        np.testing.assert_array_equal(first, again)

    def test_another_seed_gives_other_samples(self, model: SpeechModel) -> None:
        first = self.samples(self.spoken(model, seed=1))
        other = self.samples(self.spoken(model, seed=2**62))

        assert not np.array_equal(first, other)

    def test_works_after_a_request_was_dropped_in_the_middle(self, model: SpeechModel) -> None:
        whole = self.samples(self.spoken(model))
        with closing(model.speak(CHUNKS, voice=recording(), delivery=Delivery(seed=1))) as speaking:
            next(speaking)

        np.testing.assert_array_equal(self.samples(self.spoken(model)), whole)

    def test_loading_twice_is_loading_once(self, model: SpeechModel) -> None:
        model.load()
        model.load()

        assert model.status().state is ModelState.READY

    def test_says_what_it_is(self, model: SpeechModel) -> None:
        assert model.engine
        assert model.device
        assert model.sample_rate_hz >= 8_000
