"""Joining chunks: gaps, overlaps, fades and spans, however the parts arrive."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audio import AUDIBLE_AMPLITUDE, Samples, audible_span
from domain.joins.crossfade import Crossfade
from domain.joins.end_to_end import EndToEnd
from domain.joins.join import Join, joiner
from domain.joins.joiner import ChunkSpan
from domain.joins.pause import Pause
from domain.joins.ramp import rising_gain

RATE = 1000  # one sample is one millisecond
ONE_OF_EACH: tuple[Join, ...] = (Pause(300), Crossfade(140), EndToEnd())

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=6)
milliseconds = st.integers(1, 2000)
joins = st.one_of(
    st.builds(Pause, milliseconds), st.builds(Crossfade, milliseconds), st.just(EndToEnd())
)


def joined_with(
    join: Join, chunks: list[Samples], *, part: int | None = None, rate: int = RATE
) -> tuple[Samples, tuple[ChunkSpan, ...]]:
    """The joined samples and the chunks' spans; ``part`` is the length of what is pushed."""
    joining = joiner(join, chunks=len(chunks), sample_rate_hz=rate)
    out: list[Samples] = []
    for chunk in chunks:
        step = part or max(len(chunk), 1)
        starts = range(0, len(chunk), step)
        out.extend(joining.push(chunk[start : start + step]) for start in starts)
        out.append(joining.end_chunk())
    return np.concatenate(out), joining.spans


def ones(length: int) -> Samples:
    return np.ones(length, dtype=np.float32)


def silence(length: int) -> Samples:
    return np.zeros(length, dtype=np.float32)


def tone(length: int) -> Samples:
    wave: Samples = (0.5 * np.sin(np.arange(length) * 0.3) + 0.2).astype(np.float32)
    return wave


@st.composite
def edged_chunks(draw: st.DrawFn) -> list[Samples]:
    """Chunks of audible samples between edges of room tone, either of which may be missing."""
    edges = st.integers(0, 50)
    return [
        np.concatenate(
            [
                np.full(draw(edges), 0.001, dtype=np.float32),
                ones(draw(st.integers(0, 60))),
                np.full(draw(edges), 0.001, dtype=np.float32),
            ]
        )
        for _ in range(draw(st.integers(1, 5)))
    ]


def gaps(samples: Samples, threshold: float = AUDIBLE_AMPLITUDE) -> list[int]:
    """Lengths of the silences between audible samples."""
    audible = np.flatnonzero(np.abs(samples) >= threshold)
    return [int(after - before - 1) for before, after in pairwise(audible) if after - before > 1]


@given(chunks=edged_chunks(), join=joins, part=st.integers(1, 70))
def test_the_length_of_the_parts_changes_no_sample(
    chunks: list[Samples], join: Join, part: int
) -> None:
    whole, whole_spans = joined_with(join, chunks)
    parts, part_spans = joined_with(join, chunks, part=part)

    np.testing.assert_array_equal(whole, parts)
    assert whole_spans == part_spans


@given(chunks=edged_chunks(), join=joins)
def test_joined_audio_is_never_louder_than_its_chunks(chunks: list[Samples], join: Join) -> None:
    joined, _ = joined_with(join, chunks)

    assert np.abs(joined).max(initial=0) <= 1 + 1e-6


@given(chunks=lengths, crossfade_ms=milliseconds)
def test_a_crossfade_of_equal_samples_only_shortens_them_by_the_overlaps(
    chunks: list[int], crossfade_ms: int
) -> None:
    joined, _ = joined_with(Crossfade(crossfade_ms), [ones(n) for n in chunks])

    overlaps = sum(min(crossfade_ms, a, b) for a, b in pairwise(chunks))
    assert len(joined) == sum(chunks) - overlaps
    np.testing.assert_allclose(joined, 1, atol=1e-6)


@given(length=st.integers(1, 5000))
def test_the_two_gains_of_a_crossfade_sum_to_one(length: int) -> None:
    rise = rising_gain(length)

    np.testing.assert_allclose(rise + rise[::-1], 1, atol=1e-6)
    assert (np.diff(rise) >= 0).all()


@given(chunks=lengths)
def test_end_to_end_keeps_every_sample_at_its_position(chunks: list[int]) -> None:
    joined, spans = joined_with(EndToEnd(), [ones(n) for n in chunks])

    assert len(joined) == sum(chunks)
    assert (joined > 0).all()
    assert [span.end - span.start for span in spans] == chunks


@given(chunks=edged_chunks(), pause_ms=milliseconds)
def test_a_pause_replaces_the_silence_between_audible_samples(
    chunks: list[Samples], pause_ms: int
) -> None:
    joined, _ = joined_with(Pause(pause_ms), chunks)

    together = np.concatenate(chunks)
    spans = [(chunk, span) for chunk in chunks if (span := audible_span(chunk))]
    if not spans:
        assert len(joined) == len(together)
        return
    leading = int((together > 0.5).argmax())
    audible = sum(span.end - span.start for _, span in spans)
    last, last_span = spans[-1]
    quiet = len(last) - last_span.end
    trailing = quiet if last is chunks[-1] else min(quiet, 8, pause_ms // 2)
    assert len(joined) == leading + audible + pause_ms * (len(spans) - 1) + trailing


@pytest.mark.parametrize("pause_ms", [20, 100, 300, 2000])
@pytest.mark.parametrize("edge_ms", [0, 3, 250, 1500])
def test_a_pause_has_its_length_whatever_silence_the_model_left(
    pause_ms: int, edge_ms: int
) -> None:
    rate = 22_050
    quiet = np.full(edge_ms * rate // 1000, 0.002, dtype=np.float32)
    chunk = np.concatenate([quiet, ones(rate // 2), quiet])

    joined, _ = joined_with(Pause(pause_ms), [chunk] * 3, rate=rate)

    inner = [gap for gap in gaps(joined) if gap > 8 * rate / 1000]
    assert [round(gap * 1000 / rate) for gap in inner] == [pytest.approx(pause_ms, abs=2)] * 2


def test_a_pause_has_its_length_at_a_lower_threshold_too() -> None:
    rate = 24_000
    quiet = np.full(rate // 4, 0.002, dtype=np.float32)
    chunk = np.concatenate([quiet, ones(rate), quiet])

    joined, _ = joined_with(Pause(300), [chunk] * 2, rate=rate)

    assert gaps(joined, threshold=1e-4)[0] * 1000 / rate == pytest.approx(300, abs=20)


def test_a_chunk_of_silence_adds_nothing_to_the_pause() -> None:
    joined, spans = joined_with(Pause(100), [ones(50), silence(400), ones(50)])

    assert gaps(joined) == [pytest.approx(100, abs=8)]
    assert spans[1].start == spans[1].end


def test_a_single_chunk_stays_exactly_as_spoken() -> None:
    chunk = np.concatenate([silence(30), tone(200), silence(30)])

    for join in ONE_OF_EACH:
        joined, spans = joined_with(join, [chunk], part=7)
        np.testing.assert_array_equal(joined, chunk)
        assert spans == (ChunkSpan(0, len(chunk)),)


def test_inner_edges_do_not_click() -> None:
    rate = 24_000
    chunk = np.full(rate // 2, 0.8, dtype=np.float32)

    for join in (Pause(300), Pause(5), EndToEnd()):
        joined, _ = joined_with(join, [chunk, chunk], rate=rate)
        assert np.abs(np.diff(joined)).max() < 0.02


def test_the_first_chunk_is_final_before_the_second_arrives() -> None:
    joining = joiner(Pause(300), chunks=2, sample_rate_hz=RATE)

    final = np.concatenate(
        [joining.push(np.concatenate([ones(500), silence(250)])), joining.end_chunk()]
    )

    span = audible_span(final)
    assert span is not None
    assert span.end == 500


@given(chunks=edged_chunks(), join=joins)
def test_spans_lie_in_order_inside_the_joined_audio(chunks: list[Samples], join: Join) -> None:
    joined, spans = joined_with(join, chunks)

    assert len(spans) == len(chunks)
    assert all(0 <= span.start <= span.end <= len(joined) for span in spans)
    assert all(a.start <= b.start and a.end <= b.end for a, b in pairwise(spans))


def test_the_join_bounds_how_many_samples_are_held_back() -> None:
    for join in ONE_OF_EACH:
        joining = joiner(join, chunks=2, sample_rate_hz=RATE)
        pushed = emitted = 0
        for _ in range(200):
            pushed += 100
            emitted += len(joining.push(ones(100)))
            assert pushed - emitted <= 140


@pytest.mark.parametrize("make", [Pause, Crossfade])
@pytest.mark.parametrize("ms", [-1, 0, math.nan, math.inf])
def test_refuses_a_join_that_lasts_no_time(make: Callable[[float], Join], ms: float) -> None:
    with pytest.raises(ValueError, match="finite number of milliseconds above zero"):
        make(ms)
