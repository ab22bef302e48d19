import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audio import AudibleSpan, AudioFormat, Waveform, audible_span, to_int16


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (np.zeros((2, 2), np.float32), 1),
        (np.zeros(2, np.float64), 1),
        (np.zeros(2, np.float32), 0),
        (np.array([np.nan], np.float32), 1),
        (np.array([np.inf], np.float32), 1),
    ],
)
def test_a_waveform_cannot_hold_bad_samples(samples: np.ndarray, rate: int) -> None:
    with pytest.raises(ValueError, match="sample"):
        Waveform(samples, rate)


def test_full_scale_becomes_the_largest_integer_and_more_is_clipped() -> None:
    samples = np.array([-2, -1, -0.5, 0, 0.5, 1, 2], dtype=np.float32)

    assert to_int16(samples).tolist() == [-32767, -32767, -16384, 0, 16384, 32767, 32767]


@given(st.lists(st.integers(-32767, 32767)))
def test_int16_samples_survive_the_way_through_floats(values: list[int]) -> None:
    floats = (np.array(values, dtype=np.float64) / 32767).astype(np.float32)

    assert to_int16(floats).tolist() == values


def test_finds_the_first_and_the_last_audible_sample() -> None:
    samples = np.array([0, 0.001, 0.1, 0, -0.2, 0.001, 0], dtype=np.float32)

    assert audible_span(samples) == AudibleSpan(2, 5)
    assert audible_span(samples[:2]) is None
    assert audible_span(samples[:0]) is None


def test_opus_is_stored_as_ogg() -> None:
    assert (AudioFormat.OPUS.extension, AudioFormat.OPUS.content_type) == (".ogg", "audio/ogg")
    assert [kind.value for kind in AudioFormat if kind.is_lossy] == ["opus", "mp3", "m4a"]


def test_a_waveform_equals_itself_only_and_has_a_hash() -> None:
    one, other = (Waveform(np.zeros(2, np.float32), 1) for _ in range(2))

    assert one == one
    assert one != other
    assert len({one, other, one}) == 2
