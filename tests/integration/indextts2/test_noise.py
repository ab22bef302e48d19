"""Random numbers of a request: reproducible, independent, and of the right distribution."""

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from adapters.indextts2.noise import Candidates, KeyedNoise, SegmentKey

CPU = torch.device("cpu")
SEEDS = st.integers(0, 2**63 - 1)
KEYS = st.builds(SegmentKey, st.integers(0, 200), st.integers(0, 50))


def draw_evenly(
    noise: KeyedNoise, *keys: SegmentKey, step: int = 0, count: int = 2
) -> Tensor:  # (keys, count)
    """Draw from 50 columns of the same probability."""
    return draw(noise, keys, all_columns(torch.ones(len(keys), 50) / 50), count, step=step)


def draw(
    noise: KeyedNoise, keys: Sequence[SegmentKey], candidates: Candidates, count: int, *, step: int
) -> Tensor:  # (keys, count)
    return noise.sample_without_replacement(
        noise.keys(keys), candidates, count, step=torch.tensor([step])
    )


def all_columns(probabilities: Tensor) -> Candidates:
    """Candidates of which none was left out; ``probabilities`` (rows, columns)."""
    rows, width = probabilities.shape
    return Candidates(probabilities, torch.arange(width).repeat(rows, 1), width)


@given(SEEDS, st.lists(KEYS, min_size=1, max_size=5), st.integers(0, 2000))
def test_a_segment_draws_the_same_in_any_row(seed: int, keys: list[SegmentKey], step: int) -> None:
    together = draw_evenly(KeyedNoise(seed, device=CPU), *keys, step=step)
    for row, key in enumerate(keys):
        alone = draw_evenly(KeyedNoise(seed, device=CPU), key, step=step)
        assert torch.equal(together[row], alone[0])


@given(SEEDS, KEYS, st.integers(0, 2000))
def test_draws_are_without_replacement(seed: int, key: SegmentKey, step: int) -> None:
    order = draw_evenly(KeyedNoise(seed, device=CPU), key, step=step, count=50)
    assert sorted(order[0].tolist()) == list(range(50))


@given(SEEDS, KEYS)
def test_a_column_of_probability_zero_is_never_drawn_before_a_possible_one(
    seed: int, key: SegmentKey
) -> None:
    probabilities = torch.zeros(1, 1000)
    probabilities[0, 7] = 1e-6
    noise = KeyedNoise(seed, device=CPU)
    assert draw(noise, [key], all_columns(probabilities), 2, step=0)[0, 0] == 7


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, [[17, 1, 30, 23, 39, 34], [7, 22, 2, 33, 4, 49], [34, 9, 27, 16, 42, 0]]),
        (1, [[41, 12, 32, 28, 40, 43], [35, 17, 36, 7, 31, 37], [30, 18, 2, 22, 7, 31]]),
        (1499, [[6, 46, 16, 34, 3, 49], [11, 17, 26, 16, 47, 37], [37, 38, 34, 14, 7, 24]]),
    ],
)
def test_a_seed_keeps_its_draws_from_version_to_version(
    step: int, expected: list[list[int]]
) -> None:
    keys = (SegmentKey(0, 0), SegmentKey(3, 1), SegmentKey(200, 50))
    assert (
        draw_evenly(KeyedNoise(2**63 - 5, device=CPU), *keys, step=step, count=6).tolist()
        == expected
    )


@given(SEEDS, SEEDS, KEYS, st.integers(0, 2000))
def test_a_request_draws_the_same_alone_and_beside_another(
    seed: int, other_seed: int, key: SegmentKey, step: int
) -> None:
    noise, other = (KeyedNoise(each, device=CPU) for each in (seed, other_seed))
    keys = torch.cat([noise.keys([key]), other.keys([key])])
    together = noise.sample_without_replacement(
        keys, all_columns(torch.ones(2, 50) / 50), 2, step=torch.tensor([step])
    )
    assert torch.equal(together[:1], draw_evenly(noise, key, step=step))
    assert torch.equal(together[1:], draw_evenly(other, key, step=step))


def test_seed_chunk_segment_and_step_each_change_the_draws() -> None:
    base = draw_evenly(KeyedNoise(1, device=CPU), SegmentKey(0, 0), count=10)
    others = (
        draw_evenly(KeyedNoise(2, device=CPU), SegmentKey(0, 0), count=10),
        draw_evenly(KeyedNoise(1, device=CPU), SegmentKey(1, 0), count=10),
        draw_evenly(KeyedNoise(1, device=CPU), SegmentKey(0, 1), count=10),
        draw_evenly(KeyedNoise(1, device=CPU), SegmentKey(0, 0), count=10, step=1),
    )
    assert not any(torch.equal(base, other) for other in others)


def test_draws_follow_their_probabilities() -> None:
    probabilities = torch.tensor([[0.5, 0.3, 0.15, 0.05]])
    noise, key, draws = KeyedNoise(3, device=CPU), SegmentKey(0, 0), 4000
    counts = torch.zeros(4)
    for step in range(draws):
        counts[draw(noise, [key], all_columns(probabilities), 1, step=step)[0, 0]] += 1
    tolerance = 4 * math.sqrt(0.25 / draws)
    assert torch.allclose(counts / draws, probabilities[0], atol=tolerance)


def test_flow_starts_are_normal_and_independent() -> None:
    noise = KeyedNoise(4, device=CPU)
    one = noise.flow_start(SegmentKey(0, 0), channels=80, frames=500)
    other = noise.flow_start(SegmentKey(0, 1), channels=80, frames=500)
    assert one.shape == (1, 80, 500)
    for sample in (one, other):
        assert sample.mean().item() == pytest.approx(0, abs=0.03)
        assert sample.std().item() == pytest.approx(1, abs=0.03)
        assert (sample.abs() > 1.96).float().mean().item() == pytest.approx(0.05, abs=0.005)
    correlation = (one * other).mean().item()
    assert correlation == pytest.approx(0, abs=0.03)
    assert (one[..., 1:] * one[..., :-1]).mean().item() == pytest.approx(0, abs=0.03)


@given(SEEDS, st.integers(1, 30))
def test_picks_stay_in_range(seed: int, count: int) -> None:
    noise = KeyedNoise(seed, device=CPU)
    assert all(0 <= noise.pick(count, index=index) < count for index in range(8))


def test_every_number_in_range_is_picked_by_some_seed() -> None:
    reached = {KeyedNoise(seed, device=CPU).pick(8, index=0) for seed in range(200)}
    assert reached == set(range(8))
