"""The body of a request to speak: what OpenAI's clients, and others, send."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audio import StreamFormat
from domain.errors import InvalidRequest
from entrypoints.http.speech_body import SpeechBody, SpeechOrder, parse_speech
from entrypoints.schemas import SpeechInput

SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="


def parsed(**fields: Any) -> SpeechOrder:
    body = {"model": "tts-1", "input": "Hello.", "voice": "alloy", **fields}
    return parse_speech(json.dumps(body).encode(), max_text_chars=10_000)


def problem(**fields: Any) -> tuple[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        parsed(**fields)
    return caught.value.problems[0]


def test_openais_fields_become_a_job() -> None:
    order = parsed()
    assert (order.job.text, order.job.speaker_voice) == ("Hello.", "alloy")
    assert (order.stream_format, order.is_sse, order.ignored) == (StreamFormat.MP3, False, ())


def test_a_voice_may_be_an_object_with_its_id() -> None:
    assert parsed(voice={"id": "alice"}).job.speaker_voice == "alice"


def test_the_fields_of_a_job_pass_under_their_own_names() -> None:
    job = parsed(seed=7, chunk_pause_ms=0, emo_vector=[0, 0, 0.5, 0, 0, 0, 0, 0]).job
    assert (job.seed, job.chunk_pause_ms, job.emo_vector) == (7, 0, [0, 0, 0.5, 0, 0, 0, 0, 0])


def test_extra_params_are_fields_that_the_body_itself_overrides() -> None:
    job = parsed(seed=7, extra_params={"seed": 8, "emo_alpha": 0.5, "use_emo_text": True}).job
    assert (job.seed, job.emo_alpha, job.use_emo_text) == (7, 0.5, True)


def test_instructions_describe_the_emotion() -> None:
    job = parsed(instructions="Whisper, and be afraid. " * 40).job
    assert job.use_emo_text
    assert job.emo_text == ("Whisper, and be afraid. " * 40)[:500]


@pytest.mark.parametrize("words", ["None", "  ", ""])
def test_instructions_without_words_are_none(words: str) -> None:
    assert not parsed(instructions=words).job.use_emo_text


def test_instructions_beside_another_emotion_are_named_as_ignored() -> None:
    order = parsed(instructions="Whisper.", emo_vector=[0, 0, 0.5, 0, 0, 0, 0, 0])
    assert order.ignored == ("instructions",)
    assert not order.job.use_emo_text


def test_a_recording_goes_before_the_voice_that_every_client_sends() -> None:
    job = parsed(ref_audio=SILENCE).job
    assert (job.speaker_audio, job.speaker_voice) == (SILENCE, None)


def test_null_means_absent() -> None:
    assert parsed(seed=None, instructions=None, response_format=None).ignored == ()


def test_fields_without_effect_are_named() -> None:
    order = parsed(backend="x", stream=True, session_id="mine")
    assert set(order.ignored) == {"backend", "stream", "session_id"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"input": "..."}, "input"),
        ({"input": 5}, "input"),
        ({"voice": 5}, "voice"),
        ({"voice": {"id": "a", "name": "b"}}, "voice"),
        ({"response_format": "ogg"}, "response_format"),
        ({"stream_format": "ndjson"}, "stream_format"),
        ({"sample_rate": 24_000}, "sample_rate"),
        ({"sample_rate": 1, "response_format": "wav"}, "sample_rate"),
        ({"ref_audio": "%"}, "ref_audio"),
        ({"seed": -1}, "seed"),
        ({"bitrate_kbps": 64, "response_format": "wav"}, "bitrate_kbps"),
        ({"extra_params": []}, "extra_params"),
    ],
)
def test_a_wrong_field_is_named_as_the_caller_calls_it(fields: dict[str, Any], field: str) -> None:
    assert problem(**fields)[0].split(".")[0] == field


@pytest.mark.parametrize("content", [b"", b"[]", b"5", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_speech(content, max_text_chars=10)


_TEXTS = st.text("a1 é中\u200d\0\ud800:%=", max_size=20)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(sorted({*SpeechBody.model_fields, *SpeechInput.model_fields, "x"}))


@given(st.dictionaries(_FIELDS, _VALUES, max_size=6))
def test_any_object_is_an_order_or_is_refused(body: dict[str, Any]) -> None:
    with suppress(InvalidRequest):
        parse_speech(json.dumps({"input": "Hello."} | body).encode(), max_text_chars=100)


def test_a_missing_text_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_speech(b"{}", max_text_chars=10)
    assert caught.value.problems == (("input", "is missing"),)


def test_a_text_that_is_too_long_is_told_the_limit() -> None:
    with pytest.raises(InvalidRequest, match="at most 5 are accepted"):
        parse_speech(b'{"input": "Hello there."}', max_text_chars=5)
