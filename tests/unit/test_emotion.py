import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.emotion import LARGEST_SUM, RecordedEmotion, VectorEmotion, effective_weights

weights = st.tuples(*[st.floats(0, 1)] * 8)


@given(weights=weights, alpha=st.floats(0, 1))
def test_effective_weights_never_sum_over_the_limit_and_keep_their_proportions(
    weights: tuple[float, ...], alpha: float
) -> None:
    effective = effective_weights(weights, alpha)

    assert math.fsum(effective) <= LARGEST_SUM + 1e-9
    assert all(
        0 <= after <= before + 1e-12 for after, before in zip(effective, weights, strict=True)
    )
    loudest = max(range(8), key=lambda index: weights[index])
    assert effective[loudest] == max(effective)


def test_a_vector_below_the_limit_is_only_scaled_by_alpha() -> None:
    emotion = VectorEmotion((0.5, 0, 0, 0, 0, 0, 0.1, 0), alpha=0.5)

    assert emotion.effective_weights == pytest.approx((0.25, 0, 0, 0, 0, 0, 0.05, 0))


def test_eight_ones_are_scaled_down_to_a_tenth_each() -> None:
    assert VectorEmotion((1.0,) * 8).effective_weights == pytest.approx((0.1,) * 8)


@pytest.mark.parametrize(
    "values", [(0.5,) * 7, (0.5,) * 9, (-0.1,) + (0.0,) * 7, (1.1,) + (0.0,) * 7, (math.nan,) * 8]
)
def test_refuses_a_vector_that_is_not_eight_weights(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="emotion"):
        VectorEmotion(values)


def test_refuses_a_strength_outside_zero_to_one() -> None:
    with pytest.raises(ValueError, match="strength"):
        RecordedEmotion("alice", alpha=1.5)
