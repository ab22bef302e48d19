"""Windows keep each frame once, and only frames that are far enough from a cut."""

import pytest

from adapters.indextts2.vocoder.windows import Window, even_windows, growing_windows

FRAMES = (0, 1, 12, 13, 40, 41, 53, 54, 99, 100, 101, 126, 150, 1000, 1001)
FIELD = 13


def even(frames: int) -> list[Window]:
    return list(even_windows(frames, length=100, receptive_field=FIELD))


def growing(frames: int) -> list[Window]:
    return list(growing_windows(frames, first=0, shortest=40, longest=100, receptive_field=FIELD))


@pytest.mark.parametrize("frames", FRAMES)
def test_each_frame_is_kept_once_and_far_from_a_cut(frames: int) -> None:
    for windows in (even(frames), growing(frames)):
        kept = [frame for window in windows for frame in range(window.first, window.last)]
        assert kept == list(range(frames))
        for window in windows:
            assert window.start == 0 or window.first - window.start >= FIELD
            assert window.stop == frames or window.stop - window.last >= FIELD


@pytest.mark.parametrize("frames", FRAMES)
def test_even_windows_share_one_length(frames: int) -> None:
    lengths = {window.stop - window.start for window in even(frames)}
    assert lengths <= {min(frames, 100)}


def test_growing_windows_double_up_to_the_longest() -> None:
    lengths = [window.stop - window.start for window in growing(1000)]
    assert lengths[:3] == [40, 80, 100]
    assert set(lengths[2:-1]) == {100}


def test_no_window_keeps_only_a_few_frames() -> None:
    for windows in map(growing, range(1, 500)):
        assert all(window.stop - window.start <= 100 + FIELD for window in windows)
        assert all(window.last - window.first > FIELD for window in windows[1:])
