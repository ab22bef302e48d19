"""The input's rules at their edges."""

import base64
import json
import math
import time
from typing import Any

import pytest

from domain.delivery import Sampling
from domain.emotion import RecordedEmotion, VectorEmotion, WordsEmotion
from domain.errors import InvalidRequest
from domain.joins.crossfade import Crossfade
from domain.joins.end_to_end import EndToEnd
from domain.joins.join import Join
from domain.joins.pause import Pause
from domain.voice_choice import LinkedRecording, SentRecording
from entrypoints.parsing import parse, parse_job
from entrypoints.schemas import SpeechInput


def request(**fields: Any) -> Any:
    return parse(SpeechInput, {"text": "Hello.", **fields}).to_request()


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "input: must be a JSON object"),
        ([], "input: must be a JSON object"),
        ({}, "text: is missing"),
        ({"text": None}, "text: must be a string"),
        ({"text": "x" * 10_001}, "text: has 10001 characters; at most 10000 are accepted"),
        ({"text": " \n\t"}, "text: has no letter or digit to speak"),
        ({"text": "🙂👍"}, "text: has no letter or digit"),
        ({"text": "?!…"}, "text: has no letter or digit"),
        ({"text": "a\ud800"}, "text: holds half of a surrogate pair"),
        ({"text": "a", "strem": True}, "'strem': is not a field; did you mean stream?"),
        ({"text": "a", "voice": "x"}, "'voice': is not a field; did you mean "),
    ],
)
def test_refuses_an_input_without_a_text_to_speak(value: object, problem: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(SpeechInput, value)

    assert str(refused.value).startswith(f"invalid_request: {problem}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("speaker_voice", 123),
        ("emo_vector", [0.1] * 7),
        ("emo_vector", [0.1] * 9),
        ("emo_vector", [math.nan] * 8),
        ("emo_vector", [-1] + [0] * 7),
        ("emo_vector", [True] * 8),
        ("emo_vector", ["0.5"] * 8),
        ("emo_vector", "happy"),
        ("emo_alpha", 1.01),
        ("emo_alpha", True),
        ("emo_alpha", math.inf),
        ("use_emo_text", 1),
        ("stream", "false"),
        ("stream", None),
        ("max_chars_per_chunk", 49),
        ("max_chars_per_chunk", 1001),
        ("crossfade_ms", -5),
        ("crossfade_ms", "140"),
        ("crossfade_ms", 1e9),
        ("crossfade_ms", 140.5),
        ("crossfade_ms", True),
        ("chunk_pause_ms", 2001),
        ("output_format", "wav"),
        ("session_id", "a/b"),
        ("session_id", ".."),
        ("session_id", ".a"),
        ("session_id", "a" * 129),
        ("session_id", "a\n"),
        ("session_id", ""),
        ("seed", -1),
        ("seed", 2**63),
        ("audio_format", "aac"),
        ("bitrate_kbps", 15),
        ("bitrate_kbps", 321),
        ("language", "english"),
        ("language", "en-US"),
        ("temperature", 0),
        ("top_p", 1.5),
        ("top_k", 0),
        ("num_beams", 11),
        ("max_mel_tokens", 0),
        ("diffusion_steps", 101),
        ("emo_text", "joy"),
    ],
)
def test_refuses_a_wrong_value_and_names_its_field(field: str, value: object) -> None:
    with pytest.raises(InvalidRequest, match=rf"invalid_request: {field}(\[\d\])?: "):
        request(**{field: value})


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("max_chars_per_chunk", [50, 1000, 140.0]),
        ("crossfade_ms", [0, 2000]),
        ("emo_alpha", [0, 1, 0.5]),
        ("session_id", ["a", "9", "a" * 128, "A.b_c-d"]),
        ("seed", [0, 2**63 - 1]),
        ("bitrate_kbps", [16, 320]),
        ("language", ["en", "ZH", "yue"]),
        ("speaker_voice", [None, "narrators/alice"]),
        ("emo_vector", [None, [0] * 8, [1] * 8]),
    ],
)
def test_accepts_values_up_to_their_edges(field: str, values: list[object]) -> None:
    for value in values:
        request(**{field: value})


@pytest.mark.parametrize(
    "sources",
    [
        {"emo_vector": [0] * 8, "emo_audio_prompt": "bob"},
        {"emo_vector": [0] * 8, "use_emo_text": True},
        {"emo_audio_prompt": "bob", "use_emo_text": True},
        {"emo_audio_prompt": "bob", "emo_audio": "YQ=="},
        {"emo_audio": "YQ==", "use_emo_text": True},
        {"emo_vector": [0] * 8, "emo_audio": "https://media.example.com/a.wav"},
    ],
)
def test_refuses_two_sources_of_emotion(sources: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="one emotion source"):
        request(**sources)


BASE64 = base64.b64encode(b"a voice").decode()


@pytest.mark.parametrize(
    "value",
    [
        *(BASE64, f" {BASE64}\n", f"{BASE64[:4]}\r\n{BASE64[4:]}", f"data:;base64,{BASE64}"),
        *(f"data:audio/wav;base64,{BASE64}", f"DATA:audio/wav;charset=x;BASE64,{BASE64}"),
        f"data:audio/wav;base64,{BASE64.replace('=', '%3D')}",
    ],
)
def test_reads_a_recording_that_is_sent_with_the_job(value: str) -> None:
    sent = request(speaker_audio=value, emo_audio=value, emo_alpha=0.5)

    assert sent.speaker_voice == SentRecording("speaker_audio", b"a voice")
    assert sent.emotion == RecordedEmotion(SentRecording("emo_audio", b"a voice"), 0.5)


@pytest.mark.parametrize(
    "url", ["https://media.example.com/a.wav", "http://127.0.0.1/", "file:///etc/passwd"]
)
def test_leaves_the_check_of_a_url_to_who_fetches_it(url: str) -> None:
    assert request(speaker_audio=url).speaker_voice == LinkedRecording("speaker_audio", url)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "this one is empty"),
        ("data:audio/wav;base64,", "this one is empty"),
        ("data:audio/wav,abc", "this data: URI is not base64"),
        ("./alice.wav", "this base64 is incomplete or damaged"),
        (BASE64[:-1], "this base64 is incomplete or damaged"),
        (f"{BASE64}{BASE64}", "this base64 is incomplete or damaged"),
        ("ü" * 8, "this base64 is incomplete or damaged"),
        (base64.b64encode(bytes(10 * 2**20 + 1)).decode(), "has a recording of 10485761 bytes"),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("field", ["speaker_audio", "emo_audio"])
def test_refuses_what_is_no_recording_and_repeats_nothing_of_it(
    field: str, value: str, problem: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        request(**{field: value})

    assert str(refused.value).startswith(f"invalid_request: {field}: ")
    assert problem in str(refused.value)
    assert len(str(refused.value)) < 200


def test_refuses_two_voices() -> None:
    with pytest.raises(InvalidRequest, match="speaker_audio: excludes speaker_voice"):
        request(speaker_voice="alice", speaker_audio=BASE64)


def test_reads_each_source_of_emotion() -> None:
    assert request().emotion is None
    assert request(emo_vector=[0.5] + [0] * 7, emo_alpha=0.5, use_random=True).emotion == (
        VectorEmotion((0.5, 0, 0, 0, 0, 0, 0, 0), 0.5, draw_exemplar=True)
    )
    assert request(emo_audio_prompt="bob", emo_alpha=0.3).emotion == RecordedEmotion("bob", 0.3)
    assert request(use_emo_text=True, emo_text="joy").emotion == WordsEmotion("joy")
    assert request(use_emo_text=True).emotion == WordsEmotion(None)


def test_a_lossless_format_has_no_bit_rate() -> None:
    with pytest.raises(InvalidRequest, match="bitrate_kbps: does not go with wav"):
        request(audio_format="wav", bitrate_kbps=64)
    assert request(audio_format="wav").bitrate_kbps == 128


@pytest.mark.parametrize(
    ("fields", "bound"),
    [
        ({}, 300),
        ({"max_chars_per_chunk": 200}, 200),
        ({"stream": True}, 150),
        ({"stream": True, "max_chars_per_chunk": 200}, 200),
        ({"stream": True, "max_chars_per_chunk": 200, "stream_max_chars_per_chunk": 80}, 80),
        ({"stream_max_chars_per_chunk": 80}, 300),
        ({"enable_chunking": False}, None),
    ],
)
def test_stream_mode_has_a_chunk_bound_of_its_own(fields: dict[str, Any], bound: int) -> None:
    assert request(**fields).max_chars_per_chunk == bound


@pytest.mark.parametrize(
    ("fields", "join"),
    [
        ({}, Crossfade(140)),
        ({"stream": True, "crossfade_ms": 50}, Crossfade(50)),
        ({"stream": True, "stream_crossfade_ms": 20}, Crossfade(20)),
        ({"stream_crossfade_ms": 20}, Crossfade(140)),
        ({"enable_crossfade": False}, EndToEnd()),
        ({"crossfade_ms": 0}, EndToEnd()),
        ({"stream": True, "stream_crossfade_ms": 0}, EndToEnd()),
    ],
)
def test_stream_mode_has_a_crossfade_of_its_own(fields: dict[str, Any], join: Join) -> None:
    assert request(chunk_pause_ms=0, **fields).join == join


@pytest.mark.parametrize("fields", [{}, {"crossfade_ms": 50}, {"enable_crossfade": False}])
def test_a_pause_takes_precedence_over_a_crossfade(fields: dict[str, Any]) -> None:
    assert request(**fields).join == Pause(300)
    assert request(chunk_pause_ms=1, **fields).join == Pause(1)


def test_sampling_controls_reach_the_request() -> None:
    assert request(temperature=1, top_k=5).sampling == Sampling(temperature=1.0, top_k=5)


def test_names_every_problem_at_once() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(SpeechInput, {"text": "", "stream": 1, "colour": "red"})

    message = str(refused.value)
    assert all(field in message for field in ("text: ", "stream: ", "'colour': "))
    assert "\n" not in message


def test_the_bound_of_the_text_is_a_setting() -> None:
    parse(SpeechInput, {"text": "x" * 20}, max_text_chars=20)
    with pytest.raises(InvalidRequest, match="at most 20"):
        parse(SpeechInput, {"text": "x" * 21}, max_text_chars=20)


def refusal(value: object) -> str:
    with pytest.raises(InvalidRequest) as refused:
        parse_job(value)
    return refused.value.message


def test_reports_ten_problems_and_counts_the_others() -> None:
    message = refusal({"text": ""} | {f"field_{number}": 1 for number in range(20_000)})

    assert message.startswith("text: has no letter or digit to speak; 'field_0': is not a field")
    assert "'field_8': is not a field" in message
    assert "field_9" not in message
    assert message.endswith("; and 19991 more problems")


def test_many_unknown_fields_are_refused_at_once() -> None:
    fields = {"text": "a"} | {f"max_chars_per_chunk_{number}": 1 for number in range(20_000)}
    began = time.process_time()
    refusal(fields)
    # comparing every one with the known ones took half a minute
    assert time.process_time() - began < 1


def test_many_unknown_fields_beside_a_question_are_refused_too() -> None:
    message = refusal({"action": "health_check", "text": "a"} | {str(n): 1 for n in range(50)})

    assert message.startswith("text: does not go with an action; '0': is not a field")
    assert message.endswith("; and 41 more problems")


def test_a_long_field_name_costs_nothing_and_is_cut() -> None:
    began = time.process_time()
    message = refusal({"text": "a", "ab" * 5_000_000: 1})
    assert time.process_time() - began < 0.5
    assert message.startswith("'abab")
    assert message.endswith("…: is not a field")


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "." * 10_000_000},
        {"text": "a" * 10_000_000},
        {"session_id": "a" * 10_000_000},
        {"emo_text": "a" * 10_000_000, "use_emo_text": True},
        {"language": "a" * 10_000_000},
        {"stream": "a" * 10_000_000},
        {"emo_vector": [[]] * 1_000_000},
        {"emo_vector": ["a" * 1_000_000] * 8},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_huge_value_is_refused_before_it_is_looked_at(fields: dict[str, Any]) -> None:
    began = time.process_time()
    message = refusal({"text": "a"} | fields)
    assert time.process_time() - began < 0.5
    assert len(message) < 2_000


def test_a_deeply_nested_value_is_refused() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]

    assert refusal({"text": nested}) == "text: must be a string"
    assert refusal({"text": "a", "emo_vector": nested}) == "emo_vector[0]: must be a number"
    assert refusal({"text": "a", "colour": nested}).startswith("'colour': is not a field")
    assert refusal({"action": nested}).startswith("action: must be 'health_check' or")


HALF = "holds half of a surrogate pair, which is no character"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"text": "\ud800a"}, f"text: {HALF}"),
        ({"speaker_voice": "\udfff"}, f"speaker_voice: {HALF}"),
        ({"session_id": "\ud800"}, f"session_id: {HALF}"),
        ({"language": "\ud800"}, f"language: {HALF}"),
        ({"audio_format": "\ud800"}, f"audio_format: {HALF}"),
        ({"output_format": "\ud800"}, f"output_format: {HALF}"),
        ({"action": "\ud800", "text": "a"}, f"action: {HALF}"),
        ({"emo_text": "\ud800", "use_emo_text": True}, f"emo_text: {HALF}"),
        ({"stream": "\ud800"}, "stream: must be true or false, not '\\ud800'"),
        ({"crossfade_ms": "\ud800"}, "crossfade_ms: must be a whole number, not '\\ud800'"),
        ({"emo_vector": ["\ud800"] * 8}, "emo_vector[0]: must be a number, not '\\ud800'"),
        ({"emo_vector": "\ud800"}, "emo_vector: must be a list, not '\\ud800'"),
        ({"\ud800": 1}, "'\\ud800': is not a field"),
        ({"te\udc00xt": 1}, "'te\\udc00xt': is not a field; did you mean text?"),
    ],
)
def test_half_of_a_surrogate_pair_is_refused_by_its_fields_name(
    fields: dict[str, Any], problem: str
) -> None:
    message = refusal({"text": "a"} | fields)

    assert message.startswith(problem)
    assert message == json.loads(json.dumps(message).encode())


@pytest.mark.parametrize("digits", [309, 400, 4_000, 4_301, 10_000])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_of_hundreds_of_digits_is_refused(digits: int, sign: int) -> None:
    value = sign * 2 * 10 ** (digits - 1)

    for field in ("emo_alpha", "temperature", "inference_cfg_rate"):
        assert refusal({"text": "a", field: value}) == (
            f"{field}: is out of range: a number of {digits} digits"
        )
    for field in ("top_k", "seed", "crossfade_ms"):
        message = refusal({"text": "a", field: value})
        assert message.startswith(f"{field}: must be at {'most' if sign > 0 else 'least'} ")
        assert message.endswith(f", not a number of {digits} digits")


def test_an_emotion_weight_of_hundreds_of_digits_is_refused() -> None:
    message = refusal({"text": "a", "emo_vector": [0] * 7 + [2 * 10**308]})

    assert message == "emo_vector[7]: is out of range: a number of 309 digits"


@pytest.mark.parametrize("field", ["text", "speaker_voice", "audio_format", "stream", "emo_vector"])
def test_a_huge_number_is_refused_where_no_number_belongs(field: str) -> None:
    assert refusal({"text": "a", field: 10**5_000}).startswith(f"{field}: must be ")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", None])
def test_what_is_no_finite_number_is_no_weight(value: object) -> None:
    message = refusal({"text": "a", "emo_vector": [value] + [0] * 7})

    assert message.startswith("emo_vector[0]: must be a ")


def test_the_length_of_words_is_told_as_characters() -> None:
    message = refusal({"text": "a", "use_emo_text": True, "emo_text": "x" * 501})

    assert message.startswith("emo_text: must have at most 500 characters")
