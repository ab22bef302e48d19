"""What every change of speed promises."""

from abc import ABC, abstractmethod

import numpy as np
import pytest

from application.ports.audio import TimeStretch
from domain.audio import Samples

RATE_HZ = 22_050
HERTZ = 220
WINDOW_SECONDS = 0.05
"""Speech that is stretched in overlapping windows of this length may begin that much earlier."""


def tone(seconds: float) -> Samples:
    moments = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    wave: Samples = (0.5 * np.sin(2 * np.pi * HERTZ * moments)).astype(np.float32)
    return wave


def pitch(samples: Samples) -> float:
    """Return the loudest frequency in hertz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax()) * RATE_HZ / len(samples)


class TimeStretchContract(ABC):
    @pytest.fixture
    @abstractmethod
    def stretch(self) -> TimeStretch: ...

    def stretched(
        self, stretch: TimeStretch, samples: Samples, speed: float, *, part: int = 4_410
    ) -> Samples:
        parts = (samples[start : start + part] for start in range(0, len(samples), part))
        return np.concatenate(list(stretch(parts, sample_rate_hz=RATE_HZ, speed=speed)))

    @pytest.mark.parametrize("speed", [0.25, 0.4, 0.5, 0.8, 1.25, 2, 3, 4])
    @pytest.mark.parametrize("count", [1, 100, 3_000, 50_001])
    def test_the_length_is_divided_by_the_speed(
        self, stretch: TimeStretch, speed: float, count: int
    ) -> None:
        made = self.stretched(stretch, tone(3)[:count], speed)
        assert made.dtype == np.float32
        assert abs(len(made) - count / speed) <= 1

    @pytest.mark.parametrize("speed", [0.25, 0.8, 1.25, 3])
    def test_the_samples_do_not_depend_on_the_parts(
        self, stretch: TimeStretch, speed: float
    ) -> None:
        whole = self.stretched(stretch, tone(2), speed, part=100_000)
        for part in (441, 1_000):
            assert np.array_equal(self.stretched(stretch, tone(2), speed, part=part), whole)

    @pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1.25, 2, 4])
    def test_what_is_heard_at_a_moment_is_heard_there_divided_by_the_speed(
        self, stretch: TimeStretch, speed: float
    ) -> None:
        samples = tone(4)
        samples[: 2 * RATE_HZ] = 0
        made = self.stretched(stretch, samples, speed)
        start = int((np.abs(made) > 0.1).argmax()) / RATE_HZ
        assert start == pytest.approx(2 / speed, abs=WINDOW_SECONDS * max(1, 1 / speed))
        assert np.abs(made[-RATE_HZ // 20 :]).max() > 0.1

    @pytest.mark.parametrize("speed", [0.5, 0.65, 0.8, 1.25, 1.6, 2])
    def test_the_middle_of_a_sound_stays_within_ten_milliseconds_of_its_moment(
        self, stretch: TimeStretch, speed: float
    ) -> None:
        for middle in (0.7, 1.63, 2.5):
            samples = tone(4)
            samples[: round((middle - 0.15) * RATE_HZ)] = 0
            samples[round((middle + 0.15) * RATE_HZ) :] = 0
            power = self.stretched(stretch, samples, speed).astype(np.float64) ** 2
            heard = float((power * np.arange(len(power))).sum() / power.sum()) / RATE_HZ
            assert heard == pytest.approx(middle / speed, abs=0.01)
