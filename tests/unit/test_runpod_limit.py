"""Texts that RunPod's load balancer would cut off are refused before they are spoken."""

import dataclasses
from collections.abc import Callable

import pytest

from application.speech_report import SpeechReport, Timings
from application.speech_request import SpeechRequest
from domain.audio import StreamFormat
from domain.errors import InvalidRequest
from entrypoints.http.runpod_limit import (
    RunpodLimit,
    bytes_per_second,
    is_behind_load_balancer,
    require_speakable,
)

ELEVEN_MINUTES = SpeechRequest("a word and " * 900)
MP3, PCM = (
    bytes_per_second(form, sample_rate_hz=24_000, bitrate_kbps=128, is_sse=False)
    for form in (StreamFormat.MP3, StreamFormat.PCM)
)


def report(*, seconds: int, synthesis: float) -> SpeechReport:
    return SpeechReport(
        engine="tone",
        device="cpu",
        sample_rate_hz=100,
        sample_count=100 * seconds,
        seed=1,
        speaker_voice="default",
        characters=1,
        chunks=(),
        emo_alpha=1.0,
        emotion_weights=None,
        timings=Timings(load=0.0, first_audio=0.0, synthesis=synthesis),
        warnings=(),
    )


def refused(check: Callable[[], None]) -> str:
    with pytest.raises(InvalidRequest, match=r"use the queue") as caught:
        check()
    [(field, problem)] = caught.value.problems
    assert field == "text"
    return problem


def test_a_long_text_that_fits_passes() -> None:
    require_speakable(ELEVEN_MINUTES, bytes_per_second=MP3, real_time_factor=0.3)


def test_refuses_a_response_of_more_than_30_mb() -> None:
    problem = refused(
        lambda: require_speakable(ELEVEN_MINUTES, bytes_per_second=PCM, real_time_factor=None)
    )

    assert "30 MB" in problem


def test_a_faster_speed_makes_the_response_smaller() -> None:
    request = dataclasses.replace(ELEVEN_MINUTES, speed=2.0)

    require_speakable(request, bytes_per_second=PCM, real_time_factor=None)


def test_refuses_what_this_worker_speaks_too_slowly() -> None:
    problem = refused(
        lambda: require_speakable(ELEVEN_MINUTES, bytes_per_second=MP3, real_time_factor=0.5)
    )

    assert "270 s" in problem


def test_the_pace_of_a_worker_is_that_of_its_latest_speech() -> None:
    limit = RunpodLimit()
    limit.require_speakable(ELEVEN_MINUTES, bytes_per_second=MP3)

    limit.learn(report(seconds=10, synthesis=5.0), speed=1.0)

    refused(lambda: limit.require_speakable(ELEVEN_MINUTES, bytes_per_second=MP3))


def test_the_pace_is_that_of_the_model_at_its_own_speed() -> None:
    limit = RunpodLimit()

    limit.learn(report(seconds=10, synthesis=5.0), speed=2.0)

    limit.require_speakable(ELEVEN_MINUTES, bytes_per_second=MP3)


def test_base64_takes_a_third_more() -> None:
    events = bytes_per_second(
        StreamFormat.MP3, sample_rate_hz=24_000, bitrate_kbps=128, is_sse=True
    )

    assert events == pytest.approx(4 / 3 * MP3)


@pytest.mark.parametrize(
    ("environment", "expected"), [({"RUNPOD_ENDPOINT_ID": "a"}, True), ({}, False)]
)
def test_a_worker_of_an_endpoint_is_behind_its_load_balancer(
    environment: dict[str, str], *, expected: bool
) -> None:
    assert is_behind_load_balancer(environment) is expected
