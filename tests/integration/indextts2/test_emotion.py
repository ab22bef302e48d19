"""Emotion from recordings, weights and texts, and the answers of the emotion model."""

from pathlib import Path

import pytest

from adapters.indextts2.model import IndexTTS2Model
from adapters.indextts2.options import EngineOptions
from adapters.indextts2.reference.emotion_answer import parse_answer
from domain.delivery import Delivery
from domain.emotion import Emotion, RecordedEmotion, VectorEmotion, WordsEmotion
from domain.errors import ModelUnavailable
from domain.voice import Recording
from tests.models.indextts2.checkpoints import copied_checkpoint
from tests.models.indextts2.speaking import (
    HELLO,
    HIGH,
    LOW,
    SHORT,
    audio_of,
    parts_of,
    same,
)

HAPPY = (0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
NONE = (0.0,) * 8


def delivery_with(
    emotion: Emotion | None, recording: Recording | None = None, *, seed: int = 1
) -> Delivery:
    return Delivery(seed, emotion=emotion, emotion_recording=recording, sampling=SHORT)


def test_each_source_of_emotion_changes_the_speech(model: IndexTTS2Model) -> None:
    waves = [
        audio_of(model, HELLO, delivery=delivery_with(None)),
        audio_of(model, HELLO, delivery=delivery_with(VectorEmotion(HAPPY))),
        audio_of(model, HELLO, delivery=delivery_with(WordsEmotion("so happy"))),
        audio_of(model, HELLO, delivery=delivery_with(RecordedEmotion("high"), HIGH)),
    ]
    assert not any(same(one, other) for i, one in enumerate(waves) for other in waves[i + 1 :])


def test_an_emotion_of_strength_zero_changes_nothing(model: IndexTTS2Model) -> None:
    neutral = audio_of(model, HELLO)
    assert same(
        neutral, audio_of(model, HELLO, delivery=delivery_with(VectorEmotion(HAPPY, alpha=0)))
    )
    assert same(neutral, audio_of(model, HELLO, delivery=delivery_with(VectorEmotion(NONE))))


def test_strength_changes_the_speech_for_every_source_of_emotion(model: IndexTTS2Model) -> None:
    for strong, weak in (
        (delivery_with(VectorEmotion(HAPPY)), delivery_with(VectorEmotion(HAPPY, alpha=0.3))),
        (
            delivery_with(WordsEmotion("so happy")),
            delivery_with(WordsEmotion("so happy", alpha=0.3)),
        ),
        (
            delivery_with(RecordedEmotion("h"), HIGH),
            delivery_with(RecordedEmotion("h", alpha=0.3), HIGH),
        ),
    ):
        one, other = (audio_of(model, HELLO, delivery=each) for each in (strong, weak))
        assert not same(one, other)


def test_weights_above_the_largest_sum_are_scaled_down(model: IndexTTS2Model) -> None:
    loud = audio_of(model, HELLO, delivery=delivery_with(VectorEmotion((1.0,) * 8)))
    scaled = audio_of(model, HELLO, delivery=delivery_with(VectorEmotion((0.1,) * 8)))
    assert same(loud, scaled)


def test_a_random_exemplar_depends_on_the_seed_alone(model: IndexTTS2Model) -> None:
    drawn = VectorEmotion(HAPPY, draw_exemplar=True)
    first = audio_of(model, HELLO, delivery=delivery_with(drawn))
    assert same(first, audio_of(model, HELLO, delivery=delivery_with(drawn)))
    pairs = [
        (
            audio_of(model, HELLO, delivery=delivery_with(drawn, seed=seed)),
            audio_of(model, HELLO, delivery=delivery_with(VectorEmotion(HAPPY), seed=seed)),
        )
        for seed in range(4)
    ]
    assert any(not same(random, nearest) for random, nearest in pairs)


def test_the_weights_of_a_text_are_reported_once(model: IndexTTS2Model) -> None:
    parts = parts_of(model, HELLO, "Pack my box!", delivery=delivery_with(WordsEmotion("so happy")))
    found = [part.emotion_weights for part in parts if part.emotion_weights]
    assert len(found) == 1
    assert len(found[0]) == 8
    assert 0 < sum(found[0]) <= 0.8 + 1e-9


def test_the_spoken_text_is_classified_if_no_other_is_given(model: IndexTTS2Model) -> None:
    own = audio_of(model, HELLO, delivery=delivery_with(WordsEmotion()))
    assert same(own, audio_of(model, HELLO, delivery=delivery_with(WordsEmotion(HELLO))))


def test_only_emotion_from_text_needs_the_emotion_model(checkpoint: Path, tmp_path: Path) -> None:
    folder = copied_checkpoint(checkpoint, tmp_path)
    (folder / "qwen0.6bemo4-merge" / "model.safetensors").unlink()
    model = IndexTTS2Model(
        options=EngineOptions(checkpoints_dir=folder, device="cpu", use_grammars=False)
    )
    assert len(audio_of(model, HELLO)) > 0
    with pytest.raises(ModelUnavailable, match=r"qwen0\.6bemo4-merge/model\.safetensors"):
        audio_of(model, HELLO, voice=LOW, delivery=delivery_with(WordsEmotion("happy")))


@pytest.mark.parametrize(
    ("answer", "weights"),
    [
        ('{"高兴": 0.5, "自然": 0.2}', (0.5, 0, 0, 0, 0, 0, 0, 0.2)),
        ('<think>{"高兴": 1}</think>\n{"愤怒": 0.4}', (0, 0.4, 0, 0, 0, 0, 0, 0)),
        ("高兴: 0.5, 惊讶：0.25", (0.5, 0, 0, 0, 0, 0, 0.25, 0)),
        ('{"高兴": 7, "愤怒": -3}', (1.2, 0, 0, 0, 0, 0, 0, 0)),
        ('{"高兴": "0.5", "愤怒": null, "恐惧": [1]}', (0.5, 0, 0, 0, 0, 0, 0, 0)),
        ('{"高兴": NaN, "愤怒": Infinity}', (0, 0, 0, 0, 0, 0, 0, 1)),
        ('{"高兴": 0.5', (0.5, 0, 0, 0, 0, 0, 0, 0)),
        ("[1, 2, 3]", (0, 0, 0, 0, 0, 0, 0, 1)),
        ("", (0, 0, 0, 0, 0, 0, 0, 1)),
        ("高兴: 1.2.3.4", (1.2, 0, 0, 0, 0, 0, 0, 0)),
        (f'{{"高兴": {"9" * 309}, "愤怒": 0.4}}', (0, 0.4, 0, 0, 0, 0, 0, 0)),
        (f'{{"高兴": {"9" * 5_000}, "愤怒": 0.4}}', (0, 0.4, 0, 0, 0, 0, 0, 0)),
        ("[" * 2_000, (0, 0, 0, 0, 0, 0, 0, 1)),
    ],
)
def test_reads_eight_weights_from_any_answer(answer: str, weights: tuple[float, ...]) -> None:
    assert parse_answer(answer, text="fine") == pytest.approx(weights)


def test_a_melancholic_word_swaps_sad_and_melancholic() -> None:
    answer = '{"悲伤": 0.6}'
    assert parse_answer(answer, text="Deeply DEPRESSED")[5] == pytest.approx(0.6)
    assert parse_answer(answer, text="grieving")[2] == pytest.approx(0.6)
