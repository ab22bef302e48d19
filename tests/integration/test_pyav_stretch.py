from collections.abc import Iterator

import pytest

from adapters.pyav.time_stretch import stretched
from application.ports.audio import TimeStretch
from domain.audio import Samples
from tests.contracts.time_stretch import HERTZ, RATE_HZ, TimeStretchContract, pitch, tone


class TestPyavStretch(TimeStretchContract):
    @pytest.fixture
    def stretch(self) -> TimeStretch:
        return stretched

    @pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1.25, 2, 4])
    def test_the_pitch_is_kept(self, stretch: TimeStretch, speed: float) -> None:
        assert pitch(self.stretched(stretch, tone(4), speed)) == pytest.approx(HERTZ, abs=1)

    @pytest.mark.parametrize("speed", [0.25, 0.8, 1.25, 4])
    def test_the_first_samples_come_after_a_quarter_of_a_second(
        self, stretch: TimeStretch, speed: float
    ) -> None:
        taken = 0
        samples = tone(2)

        def watched() -> Iterator[Samples]:
            nonlocal taken
            for start in range(0, len(samples), 441):
                taken = start + 441
                yield samples[start : start + 441]

        assert len(next(stretch(watched(), sample_rate_hz=RATE_HZ, speed=speed)))
        assert taken / RATE_HZ <= 0.25
