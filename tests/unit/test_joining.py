from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audio import AUDIBLE_AMPLITUDE, Samples, audible_span
from domain.joins.joining import ChunkSpan, JoinPlan, joiner, rising_gain

RATE = 1000  # one sample is one millisecond

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=6)
plans = st.builds(JoinPlan, pause_ms=st.integers(0, 2000), crossfade_ms=st.integers(0, 2000))


def join(
    chunks: list[Samples], plan: JoinPlan, *, part: int | None = None, rate: int = RATE
) -> tuple[Samples, tuple[ChunkSpan, ...]]:
    joined = joiner(plan, chunks=len(chunks), sample_rate_hz=rate)
    out: list[Samples] = []
    for chunk in chunks:
        step = part or max(len(chunk), 1)
        out.extend(joined.push(chunk[start : start + step]) for start in range(0, len(chunk), step))
        out.append(joined.end_chunk())
    return np.concatenate(out), joined.spans


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
    heard = np.flatnonzero(np.abs(samples) >= threshold)
    return [int(after - before - 1) for before, after in pairwise(heard) if after - before > 1]


@given(chunks=edged_chunks(), plan=plans, part=st.integers(1, 70))
def test_gives_the_same_samples_however_the_parts_arrive(
    chunks: list[Samples], plan: JoinPlan, part: int
) -> None:
    whole, whole_spans = join(chunks, plan)
    parts, part_spans = join(chunks, plan, part=part)

    np.testing.assert_array_equal(whole, parts)
    assert whole_spans == part_spans


@given(chunks=edged_chunks(), plan=plans)
def test_is_never_louder_than_its_parts(chunks: list[Samples], plan: JoinPlan) -> None:
    joined, _ = join(chunks, plan)

    assert np.abs(joined).max(initial=0) <= 1 + 1e-6


@given(chunks=lengths, crossfade=st.integers(1, 2000))
def test_a_blend_of_equals_changes_nothing_and_takes_only_the_overlaps(
    chunks: list[int], crossfade: int
) -> None:
    joined, _ = join([ones(n) for n in chunks], JoinPlan(pause_ms=0, crossfade_ms=crossfade))

    overlaps = sum(min(crossfade, a, b) for a, b in pairwise(chunks))
    assert len(joined) == sum(chunks) - overlaps
    np.testing.assert_allclose(joined, 1, atol=1e-6)


@given(length=st.integers(1, 5000))
def test_the_gains_of_a_blend_sum_to_one(length: int) -> None:
    rise = rising_gain(length)

    np.testing.assert_allclose(rise + rise[::-1], 1, atol=1e-6)
    assert (np.diff(rise) >= 0).all()


@given(chunks=lengths)
def test_plain_joins_keep_every_sample_in_its_place(chunks: list[int]) -> None:
    joined, spans = join([ones(n) for n in chunks], JoinPlan(pause_ms=0, crossfade_ms=0))

    assert len(joined) == sum(chunks)
    assert (joined > 0).all()
    assert [span.end - span.start for span in spans] == chunks


@given(chunks=edged_chunks(), pause=st.integers(1, 2000))
def test_a_pause_takes_the_place_of_the_silence_between_what_is_audible(
    chunks: list[Samples], pause: int
) -> None:
    joined, _ = join(chunks, JoinPlan(pause_ms=pause, crossfade_ms=0))

    together = np.concatenate(chunks)
    spans = [(chunk, span) for chunk in chunks if (span := audible_span(chunk))]
    if not spans:
        assert len(joined) == len(together)
        return
    leading = int((together > 0.5).argmax())
    audible = sum(span.end - span.start for _, span in spans)
    last, heard = spans[-1]
    quiet = len(last) - heard.end
    trailing = quiet if last is chunks[-1] else min(quiet, 8, pause // 2)
    assert len(joined) == leading + audible + pause * (len(spans) - 1) + trailing


@pytest.mark.parametrize("pause", [20, 100, 300, 2000])
@pytest.mark.parametrize("edge", [0, 3, 250, 1500])
def test_a_pause_is_as_long_as_asked_whatever_silence_the_model_left(pause: int, edge: int) -> None:
    rate = 22_050
    quiet = np.full(edge * rate // 1000, 0.002, dtype=np.float32)
    chunk = np.concatenate([quiet, ones(rate // 2), quiet])

    joined, _ = join([chunk] * 3, JoinPlan(pause_ms=pause, crossfade_ms=140), rate=rate)

    inner = [gap for gap in gaps(joined) if gap > 8 * rate / 1000]
    assert [round(gap * 1000 / rate) for gap in inner] == [pytest.approx(pause, abs=2)] * 2


def test_a_pause_holds_at_a_stricter_ear_than_ours() -> None:
    rate = 24_000
    quiet = np.full(rate // 4, 0.002, dtype=np.float32)
    chunk = np.concatenate([quiet, ones(rate), quiet])

    joined, _ = join([chunk] * 2, JoinPlan(pause_ms=300, crossfade_ms=0), rate=rate)

    assert gaps(joined, threshold=1e-4)[0] * 1000 / rate == pytest.approx(300, abs=20)


def test_a_chunk_of_silence_adds_nothing_to_the_pause() -> None:
    joined, spans = join([ones(50), silence(400), ones(50)], JoinPlan(pause_ms=100, crossfade_ms=0))

    assert gaps(joined) == [pytest.approx(100, abs=8)]
    assert spans[1].start == spans[1].end


def test_leaves_a_single_chunk_exactly_as_spoken() -> None:
    chunk = np.concatenate([silence(30), tone(200), silence(30)])

    for plan in (JoinPlan(300, 140), JoinPlan(0, 140), JoinPlan(0, 0)):
        joined, spans = join([chunk], plan, part=7)
        np.testing.assert_array_equal(joined, chunk)
        assert spans == (ChunkSpan(0, len(chunk)),)


def test_inner_edges_do_not_click() -> None:
    rate = 24_000
    chunk = np.full(rate // 2, 0.8, dtype=np.float32)

    for plan in (JoinPlan(300, 0), JoinPlan(5, 0), JoinPlan(0, 0)):
        joined, _ = join([chunk, chunk], plan, rate=rate)
        assert np.abs(np.diff(joined)).max() < 0.02


def test_the_first_chunk_leaves_before_the_second_is_spoken() -> None:
    joined = joiner(JoinPlan(pause_ms=300, crossfade_ms=0), chunks=2, sample_rate_hz=RATE)

    final = np.concatenate(
        [joined.push(np.concatenate([ones(500), silence(250)])), joined.end_chunk()]
    )

    heard = audible_span(final)
    assert heard is not None
    assert heard.end == 500


@given(chunks=edged_chunks(), plan=plans)
def test_spans_lie_in_order_inside_the_joined_audio(chunks: list[Samples], plan: JoinPlan) -> None:
    joined, spans = join(chunks, plan)

    assert len(spans) == len(chunks)
    assert all(0 <= span.start <= span.end <= len(joined) for span in spans)
    assert all(a.start <= b.start and a.end <= b.end for a, b in pairwise(spans))


def test_what_is_held_back_is_bounded_by_the_join_not_by_the_speech() -> None:
    for plan in (JoinPlan(300, 0), JoinPlan(0, 140), JoinPlan(0, 0)):
        joined = joiner(plan, chunks=2, sample_rate_hz=RATE)
        pushed = emitted = 0
        for _ in range(200):
            pushed += 100
            emitted += len(joined.push(ones(100)))
            assert pushed - emitted <= 140


def test_refuses_a_negative_pause() -> None:
    with pytest.raises(ValueError, match="zero milliseconds or more"):
        JoinPlan(pause_ms=-1, crossfade_ms=0)
