"""The use case on fakes: what it checks, in which order, and what it reports."""

import hashlib
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest

from application.references import References
from application.speak import Speak, StoredSpeech
from application.speech_request import SpeechRequest
from application.utterance import SpokenSoFar
from domain.audio import AudioFormat, Samples, audible_span, to_int16
from domain.delivery import Sampling
from domain.emotion import RecordedEmotion, VectorEmotion, WordsEmotion
from domain.errors import (
    BadReference,
    Cancelled,
    Conflict,
    OutOfMemory,
    SpeechError,
    StorageFailed,
    SynthesisFailed,
    UnknownVoice,
)
from domain.joins.crossfade import Crossfade
from domain.joins.end_to_end import EndToEnd
from domain.joins.pause import Pause
from domain.voice_choice import LinkedRecording, SentRecording, VoiceChoice
from tests.fakes.block_stretch import block_stretch
from tests.fakes.memory_links import MemoryLinks
from tests.fakes.memory_store import MemoryStore
from tests.fakes.memory_voices import MemoryVoices
from tests.fakes.raw_codec import RawDecoder, RawEncoder, raw_recording
from tests.models.tone import RATE_HZ, ToneModel

TEXT = "This is the first sentence here. And this is the second one. Here comes the third one."
BUZZ = np.tile(np.array([0.3, -0.3], dtype=np.float32), 16_000)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def model() -> ToneModel:
    return ToneModel()


@pytest.fixture
def speak(store: MemoryStore, model: ToneModel) -> Speak:
    return speaker(model, store)


SENT = SentRecording("speaker_audio", raw_recording(BUZZ * 0.7, 16_000))
LINKED = LinkedRecording("speaker_audio", "https://media.example.com/a.wav?secret=1")


def speaker(
    model: ToneModel, store: MemoryStore, *, draw_seed: Callable[[], int] = lambda: 42
) -> Speak:
    voices = MemoryVoices(
        {
            "alice.wav": raw_recording(BUZZ, 16_000),
            "bob.wav": raw_recording(BUZZ * 0.5, 16_000),
            "long.wav": raw_recording(np.tile(BUZZ, 10), 16_000),
            "broken.wav": b"no recording",
        }
    )
    links = MemoryLinks({LINKED.url: SENT.content})
    return Speak(
        model=model,
        references=References(voices=voices, decoder=RawDecoder(), links=links),
        encoder=RawEncoder(),
        stretch=block_stretch,
        store=store,
        default_voice="alice",
        draw_seed=draw_seed,
    )


def stored(speak: Speak, **fields: Any) -> StoredSpeech:
    request = SpeechRequest(text=TEXT, max_chars_per_chunk=50, **fields)
    return speak.into_store(request, job_id="job-1")


def streamed(speak: Speak, **fields: Any) -> Samples:
    request = SpeechRequest(text=TEXT, max_chars_per_chunk=50, **fields)
    return np.concatenate(list(speak.utterance(request).samples()))


def test_streamed_samples_are_the_stored_ones(speak: Speak, store: MemoryStore) -> None:
    for join in (Pause(300), Crossfade(140), EndToEnd()):
        stored(speak, join=join, seed=5)

        np.testing.assert_array_equal(
            to_int16(streamed(speak, join=join, seed=5)),
            np.frombuffer(store.objects["job-1.ogg"][1][9:], dtype="<i2"),
        )


def test_reports_where_each_chunk_is_heard(speak: Speak) -> None:
    spoken = stored(speak)

    assert [chunk.text for chunk in spoken.report.chunks] == [
        "This is the first sentence here.",
        "And this is the second one.",
        "Here comes the third one.",
    ]
    assert spoken.report.characters == len(TEXT)
    starts = [chunk.start for chunk in spoken.report.chunks]
    # the first chunk keeps its quarter of a second of silence, the others begin a ramp early
    assert starts == pytest.approx([0, 0.25 + 0.5 + 0.3, 0.25 + 2 * (0.5 + 0.3)], abs=0.02)
    assert spoken.report.duration_seconds == pytest.approx(
        0.25 + 3 * 0.5 + 2 * 0.3 + 0.25, abs=0.01
    )


def test_names_the_file_after_the_session_else_after_the_job(
    speak: Speak, store: MemoryStore
) -> None:
    assert stored(speak, session_id="chapter-1").filename == "chapter-1.ogg"
    assert stored(speak, audio_format=AudioFormat.MP3).filename == "job-1.mp3"
    assert store.objects["job-1.mp3"][0] == "job-1"


def test_draws_a_seed_and_reports_it(store: MemoryStore, model: ToneModel) -> None:
    speak = speaker(model, store, draw_seed=count(100).__next__)

    assert stored(speak).report.seed == 100
    assert stored(speak).report.seed == 101
    assert stored(speak, seed=7).report.seed == 7


def test_gives_the_model_all_chunks_and_everything_that_colours_them(
    speak: Speak, model: ToneModel
) -> None:
    emotion = RecordedEmotion("bob", 0.4)
    stored(speak, emotion=emotion, sampling=Sampling(top_k=5), language="en", seed=9)

    chunks, voice, delivery = model.requests[0]
    assert len(chunks) == 3
    assert voice.file == "alice.wav"
    assert delivery.emotion == emotion
    assert delivery.emotion_recording is not None
    assert delivery.emotion_recording.file == "bob.wav"
    assert (delivery.seed, delivery.sampling.top_k, delivery.language) == (9, 5, "en")


def test_reports_the_emotion_that_reached_the_model(speak: Speak) -> None:
    vector = VectorEmotion((1.0,) * 8)

    assert stored(speak).report.emotion_weights is None
    assert stored(speak, emotion=vector).report.emotion_weights == pytest.approx((0.1,) * 8)
    assert stored(speak, emotion=WordsEmotion("joy")).report.emotion_weights == (0.1,) * 8


def test_leaves_the_text_whole_when_no_bound_is_given(speak: Speak, model: ToneModel) -> None:
    speak.into_store(SpeechRequest(text="One.\n\nTwo.", max_chars_per_chunk=None), job_id="j")

    assert model.requests[0][0] == ("One. Two.",)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"speaker_voice": "nobody"}, UnknownVoice),
        ({"speaker_voice": "broken"}, BadReference),
        ({"emotion": RecordedEmotion("nobody")}, UnknownVoice),
        ({"emotion": RecordedEmotion("broken")}, BadReference),
        ({"speaker_voice": SentRecording("speaker_audio", b"no recording")}, BadReference),
        ({"speaker_voice": LinkedRecording("speaker_audio", "https://a.b/c")}, BadReference),
        ({"emotion": RecordedEmotion(SentRecording("emo_audio", b""))}, BadReference),
    ],
)
def test_an_unusable_recording_never_reaches_the_model(
    speak: Speak, model: ToneModel, fields: dict[str, Any], error: type[SpeechError]
) -> None:
    with pytest.raises(error):
        stored(speak, **fields)

    assert model.requests == []


@pytest.mark.parametrize("choice", [SENT, LINKED], ids=["sent", "linked"])
def test_speaks_in_a_voice_that_comes_with_the_request(
    speak: Speak, model: ToneModel, choice: VoiceChoice
) -> None:
    report = stored(speak, speaker_voice=choice, emotion=RecordedEmotion(choice)).report

    [(_, voice, delivery)] = model.requests
    assert voice.digest == hashlib.sha256(SENT.content).hexdigest()
    assert delivery.emotion_recording
    assert delivery.emotion_recording.digest == voice.digest
    assert report.speaker_voice == "speaker_audio"


@pytest.mark.parametrize(("choice", "may_be_kept"), [("bob", True), (SENT, False), (LINKED, False)])
def test_only_what_the_voices_folder_has_may_be_kept(
    speak: Speak, model: ToneModel, choice: VoiceChoice, may_be_kept: bool
) -> None:
    stored(speak, speaker_voice=choice)

    assert model.requests[0][1].may_be_kept is may_be_kept


def test_a_job_that_was_cancelled_during_the_fetch_never_reaches_the_model(
    speak: Speak, model: ToneModel
) -> None:
    def cancel() -> None:
        raise Cancelled("stopped")

    request = SpeechRequest(text=TEXT, speaker_voice=LINKED)
    with pytest.raises(Cancelled):
        speak.into_store(request, job_id="job-1", checkpoint=cancel)

    assert model.requests == []


def test_a_recording_that_came_with_the_request_is_named_by_its_field(speak: Speak) -> None:
    short = SentRecording("emo_audio", raw_recording(BUZZ[:100], 16_000))

    with pytest.raises(BadReference, match=r"bad_reference: emo_audio lasts 0\.01 s"):
        stored(speak, emotion=RecordedEmotion(short))


def test_nothing_that_is_printed_shows_what_came_with_the_request() -> None:
    shown = repr([SpeechRequest(text="a", speaker_voice=choice) for choice in (SENT, LINKED)])

    assert "secret" not in shown
    assert "RAW16" not in shown


def test_a_store_that_is_gone_is_found_out_before_the_model_speaks(
    speak: Speak, store: MemoryStore, model: ToneModel
) -> None:
    store.failure = StorageFailed("gone")

    with pytest.raises(StorageFailed):
        stored(speak)

    assert model.requests == []


def test_another_jobs_object_is_found_out_before_the_model_speaks(
    speak: Speak, store: MemoryStore, model: ToneModel
) -> None:
    store.objects["mine.ogg"] = ("job-0", b"theirs")

    with pytest.raises(Conflict):
        stored(speak, session_id="mine")

    assert model.requests == []
    assert store.objects["mine.ogg"] == ("job-0", b"theirs")


def test_warns_of_a_reference_that_is_cut(speak: Speak) -> None:
    (warning,) = stored(speak, speaker_voice="long").report.warnings

    assert "long.wav is longer than 15 s" in warning.message


def test_warns_of_what_an_engine_without_cloning_ignores(store: MemoryStore) -> None:
    speak = speaker(ToneModel(clones_voices=False), store)

    assert stored(speak).report.warnings == ()
    warnings = stored(
        speak, speaker_voice="bob", emotion=VectorEmotion((0.1,) * 8), sampling=Sampling(top_k=1)
    ).report.warnings
    assert [warning.message.split(": ")[1] for warning in warnings] == [
        "speaker_voice had no effect",
        "the emotion had no effect",
        "the sampling controls had no effect",
    ]


def test_silence_is_not_sold_as_speech(store: MemoryStore) -> None:
    with pytest.raises(SynthesisFailed, match="nothing audible"):
        stored(speaker(ToneModel(silent_chunks=[0, 1, 2]), store))

    assert store.objects == {}


def test_one_silent_chunk_is_a_warning(store: MemoryStore) -> None:
    spoken = stored(speaker(ToneModel(silent_chunks=[1]), store))

    assert [warning.message[:17] for warning in spoken.report.warnings] == ["chunk 1 is silent"]


def test_samples_that_are_not_finite_are_refused(store: MemoryStore) -> None:
    with pytest.raises(SynthesisFailed, match="not finite"):
        stored(speaker(ToneModel(level=float("nan")), store))


def test_a_model_that_fails_in_the_middle_stores_nothing(store: MemoryStore) -> None:
    model = ToneModel(fails_at={1: OutOfMemory("full")})

    with pytest.raises(OutOfMemory):
        stored(speaker(model, store))

    assert model.spoken == [0]
    assert store.objects == {}


def test_the_first_chunk_is_heard_before_the_second_is_spoken(
    speak: Speak, model: ToneModel
) -> None:
    samples = speak.utterance(SpeechRequest(text=TEXT, max_chars_per_chunk=50)).samples()
    heard = 0.0
    while heard < 0.5:
        span = audible_span(next(samples))
        heard += (span.end - span.start) / RATE_HZ if span else 0

    assert model.spoken == []
    samples.close()
    assert model.closed_early


def test_tells_a_watcher_of_every_chunk(speak: Speak) -> None:
    told: list[SpokenSoFar] = []

    speak.into_store(
        SpeechRequest(text=TEXT, max_chars_per_chunk=50),
        job_id="j",
        watch=told.append,
    )

    assert [(spoken.chunks_done, spoken.chunks) for spoken in told] == [(1, 3), (2, 3), (3, 3)]
    assert 0 < told[0].seconds < told[1].seconds < told[2].seconds


def test_an_encoder_that_fails_stops_the_model(store: MemoryStore, model: ToneModel) -> None:
    class Choking(RawEncoder):
        def encode(self, samples: Any, **options: Any) -> Any:
            next(iter(samples))
            raise SynthesisFailed("choked")

    speak = Speak(
        model=model,
        references=References(
            voices=MemoryVoices({"alice.wav": raw_recording(BUZZ, 16_000)}), decoder=RawDecoder()
        ),
        encoder=Choking(),
        stretch=block_stretch,
        store=store,
        default_voice="alice",
    )

    with pytest.raises(SynthesisFailed, match="choked"):
        stored(speak)

    assert model.closed_early


def test_lists_voices_with_their_whole_duration_and_what_is_wrong() -> None:
    voices = MemoryVoices(
        {"long.wav": raw_recording(np.tile(BUZZ, 10), 16_000), "broken.wav": b"no recording"}
    )

    broken, long = References(voices=voices, decoder=RawDecoder()).entries()

    assert (long.name, long.duration_seconds, long.problem) == ("long", 20, "")
    assert broken.problem == "broken.wav is not a recording that can be decoded"
