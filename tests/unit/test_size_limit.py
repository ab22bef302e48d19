"""Requests whose audio would not fit into the store are refused before they are spoken."""

import re
from typing import Any

import numpy as np
import pytest

from application.references import References
from application.speak import Speak
from application.speech_request import SpeechRequest
from domain.audio import AudioFormat
from domain.errors import InvalidRequest
from domain.joins.pause import Pause
from domain.text.pace import estimated_seconds
from tests.fakes.block_stretch import block_stretch
from tests.fakes.memory_store import MemoryStore
from tests.fakes.memory_voices import MemoryVoices
from tests.fakes.raw_codec import RawDecoder, RawEncoder, raw_recording
from tests.models.tone import ToneModel

BUZZ = np.tile(np.array([0.3, -0.3], dtype=np.float32), 16_000)
LIMIT_BYTES = 1_000_000
SENTENCE = "A small boat lay at the end of the pier, and nobody had used it for years. "


class BitRateEncoder(RawEncoder):
    """Writes raw samples, but is asked for sizes as if bit rates were obeyed."""

    def data_rate_kbps(
        self, audio_format: AudioFormat, *, sample_rate_hz: int, bitrate_kbps: int
    ) -> float:
        return bitrate_kbps if audio_format.is_lossy else sample_rate_hz * 16 / 1000


@pytest.fixture
def model() -> ToneModel:
    return ToneModel()


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.largest_bytes = LIMIT_BYTES
    return store


@pytest.fixture
def speak(model: ToneModel, store: MemoryStore) -> Speak:
    voices = MemoryVoices({"alice.wav": raw_recording(BUZZ, 16_000)})
    return Speak(
        model=model,
        references=References(voices=voices, decoder=RawDecoder()),
        encoder=BitRateEncoder(),
        stretch=block_stretch,
        store=store,
        default_voice="alice",
    )


def refusal(speak: Speak, **fields: Any) -> str:
    with pytest.raises(InvalidRequest) as refused:
        speak.into_store(SpeechRequest(**fields), job_id="job-1")
    [(field, problem)] = refused.value.problems
    assert field == "text"
    return problem


def test_a_text_that_is_too_long_never_reaches_the_model(speak: Speak, model: ToneModel) -> None:
    problem = refusal(speak, text=SENTENCE * 20)

    assert "the memory store takes at most 1 MB" in problem
    assert model.spoken == []


def test_the_bit_rate_that_the_refusal_names_is_accepted_and_no_higher_one(speak: Speak) -> None:
    text = SENTENCE * 20
    [named] = re.findall(r"choose bitrate_kbps of at most (\d+)", refusal(speak, text=text))

    refusal(speak, text=text, bitrate_kbps=int(named) + 1)
    speak.into_store(SpeechRequest(text=text, bitrate_kbps=int(named)), job_id="job-1")


def test_a_lossless_format_is_told_of_a_lossy_one(speak: Speak) -> None:
    problem = refusal(speak, text=SENTENCE * 10, audio_format=AudioFormat.WAV)

    assert "choose audio_format opus with bitrate_kbps of at most 128, stream it" in problem


def test_no_bit_rate_is_named_where_none_is_low_enough(speak: Speak) -> None:
    assert "takes at most 1 MB: stream it" in refusal(speak, text=SENTENCE * 200)


def test_pauses_between_chunks_count(speak: Speak) -> None:
    text = SENTENCE * 10
    request = SpeechRequest(text=text, max_chars_per_chunk=80, join=Pause(100))
    speak.into_store(request, job_id="job-1")

    refusal(speak, text=text, max_chars_per_chunk=80, join=Pause(2_000))


def test_a_store_without_a_limit_takes_every_text(speak: Speak, store: MemoryStore) -> None:
    store.largest_bytes = None

    speak.into_store(SpeechRequest(text=SENTENCE * 20), job_id="job-1")

    assert list(store.objects) == ["job-1.ogg"]


@pytest.mark.parametrize(
    ("text", "slowest", "fastest"),
    [
        (SENTENCE * 3, 8, 20),
        ("今天天气很好，我们一起去公园散步，然后喝一杯茶。", 2.5, 6),
        ("1234567 and 9876543.", 1.5, 4),
    ],
    ids=["English", "Chinese", "digits"],
)
def test_the_estimate_lies_within_the_pace_of_careful_readers(
    text: str, slowest: float, fastest: float
) -> None:
    assert slowest < len(text) / estimated_seconds(text) < fastest
