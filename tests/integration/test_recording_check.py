"""The checks of a recording, with speech and with other sounds."""

from importlib.resources import files

import numpy as np
import pytest

from adapters.pyav.decoder import PyavDecoder
from domain.audio import Waveform
from domain.recording_check import concerns, measure

RATE = 24_000
SECONDS = 6
TIME = np.arange(SECONDS * RATE) / RATE
DRAW = np.random.default_rng(7)
UNLIKE_SPEECH = "does not sound like a person speaking"


@pytest.fixture(scope="module")
def speech() -> Waveform:
    content = files("adapters.filesystem").joinpath("bundled_voices", "default.ogg").read_bytes()
    return PyavDecoder().decode(content, name="default.ogg", limit_seconds=60)


def concerns_of(samples: np.ndarray, rate_hz: int = RATE) -> tuple[str, ...]:
    return concerns(measure(Waveform(samples.astype(np.float32), rate_hz)))


def noise(count: int, *, exponent: float = 0.0, level: float = 0.1) -> np.ndarray:
    """Gaussian noise whose power falls with the frequency to the power of ``exponent``."""
    spectrum = np.fft.rfft(DRAW.standard_normal(count))
    frequency = np.maximum(np.fft.rfftfreq(count), 20 / RATE)
    coloured = np.fft.irfft(spectrum / frequency ** (exponent / 2), count)
    return np.asarray(coloured * level / np.sqrt((coloured**2).mean()))


def tone(hz: float) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hz * TIME)


def organ() -> np.ndarray:
    chord = sum(tone(hz * harmonic) / harmonic for hz in (110, 139, 165) for harmonic in (1, 2, 3))
    return np.asarray(chord) / 4


def test_has_no_concern_about_clear_speech(speech: Waveform) -> None:
    assert concerns_of(speech.samples, speech.sample_rate_hz) == ()


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_has_no_concern_about_deep_and_high_voices(speech: Waveform, factor: float) -> None:
    assert concerns_of(speech.samples, round(speech.sample_rate_hz * factor)) == ()


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(tone(440), id="a tone"),
        pytest.param(tone(50) + tone(100) / 2 + tone(150) / 3, id="mains hum"),
        pytest.param(tone(50) + noise(len(TIME), level=0.02), id="hum in noise"),
        pytest.param(0.3 * np.sin(2 * np.pi * (100 * TIME + 300 * TIME**2)), id="a sweep"),
        pytest.param(tone(800) * (TIME % 0.25 < 0.12), id="beeps"),
        pytest.param(organ(), id="an organ"),
        pytest.param(noise(len(TIME)), id="white noise"),
        pytest.param(noise(RATE // 2), id="half a second of noise"),
        pytest.param(noise(len(TIME), exponent=1), id="pink noise"),
        pytest.param(noise(len(TIME), exponent=2), id="brown noise"),
        pytest.param(noise(len(TIME)) * np.exp(-25 * (TIME % 0.25)), id="drums"),
        pytest.param(np.where(np.arange(len(TIME)) % RATE == 0, 0.9, 0.0), id="clicks"),
    ],
)
def test_names_a_sound_that_is_no_speech(sound: np.ndarray) -> None:
    (concern,) = concerns_of(sound)

    assert UNLIKE_SPEECH in concern


def test_names_a_loud_background(speech: Waveform) -> None:
    loudness = float(np.sqrt((speech.samples**2).mean()))

    quiet, loud = (
        concerns_of(
            speech.samples + noise(len(speech.samples), level=loudness * 10 ** (-snr_db / 20)),
            speech.sample_rate_hz,
        )
        for snr_db in (20, 4)
    )

    assert quiet == ()
    assert len(loud) == 1
    assert "background is loud" in loud[0]


def test_names_clipped_speech(speech: Waveform) -> None:
    peak = float(np.abs(speech.samples).max())
    loud = np.clip(speech.samples / peak * 4, -1, 1)

    assert concerns_of(loud, speech.sample_rate_hz) == (
        "it is clipped: record it again at a lower level",
    )
    assert concerns_of(loud / 4, speech.sample_rate_hz) == concerns_of(loud, speech.sample_rate_hz)


def test_names_a_quiet_recording(speech: Waveform) -> None:
    (concern,) = concerns_of(speech.samples / 25, speech.sample_rate_hz)

    assert concern.startswith("it is quiet (-4")


def test_names_a_short_recording_and_a_low_rate(speech: Waveform) -> None:
    every_sixth = speech.samples[: 3 * speech.sample_rate_hz : 6]

    short, dull = concerns_of(every_sixth, speech.sample_rate_hz // 6)

    assert short == "it lasts 3.0 s; 5 to 15 s make a better copy of the voice"
    assert dull == f"it is sampled at {speech.sample_rate_hz // 6} Hz; the copy will sound dull"


@pytest.mark.parametrize("rate_hz", [1, 8, 100, 1_000, 3_999, 4_000, 11_025, 192_000])
@pytest.mark.parametrize("seconds", [0.5, 2.0])
def test_any_rate_and_length_can_be_measured(rate_hz: int, seconds: float) -> None:
    samples = DRAW.uniform(-1, 1, max(int(rate_hz * seconds), 1))

    assert all(isinstance(concern, str) for concern in concerns_of(samples, rate_hz))


def test_an_offset_and_a_single_loud_sample_can_be_measured() -> None:
    click = np.zeros(RATE)
    click[5_000] = 1.0

    assert concerns_of(np.full(RATE, 0.5)) != ()
    assert concerns_of(click) != ()
