from pathlib import Path

import pytest

from adapters.indextts2.model import IndexTTS2Model
from adapters.indextts2.reference.emotion_text import parse_answer
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


def told(emotion: Emotion | None, recording: Recording | None = None, *, seed: int = 1) -> Delivery:
    return Delivery(seed, emotion=emotion, emotion_recording=recording, sampling=SHORT)


def test_each_source_of_emotion_changes_the_speech(model: IndexTTS2Model) -> None:
    spoken = [
        audio_of(model, HELLO, delivery=told(None)),
        audio_of(model, HELLO, delivery=told(VectorEmotion(HAPPY))),
        audio_of(model, HELLO, delivery=told(WordsEmotion("so happy"))),
        audio_of(model, HELLO, delivery=told(RecordedEmotion("high"), HIGH)),
    ]
    assert not any(same(one, other) for i, one in enumerate(spoken) for other in spoken[i + 1 :])


def test_no_strength_is_no_emotion(model: IndexTTS2Model) -> None:
    neutral = audio_of(model, HELLO)
    assert same(neutral, audio_of(model, HELLO, delivery=told(VectorEmotion(HAPPY, alpha=0))))
    assert same(neutral, audio_of(model, HELLO, delivery=told(VectorEmotion(NONE))))


def test_strength_counts_in_every_source(model: IndexTTS2Model) -> None:
    for strong, weak in (
        (told(VectorEmotion(HAPPY)), told(VectorEmotion(HAPPY, alpha=0.3))),
        (told(WordsEmotion("so happy")), told(WordsEmotion("so happy", alpha=0.3))),
        (told(RecordedEmotion("h"), HIGH), told(RecordedEmotion("h", alpha=0.3), HIGH)),
    ):
        one, other = (audio_of(model, HELLO, delivery=each) for each in (strong, weak))
        assert not same(one, other)


def test_weights_beyond_the_sum_say_the_same_as_those_scaled_down(model: IndexTTS2Model) -> None:
    loud = audio_of(model, HELLO, delivery=told(VectorEmotion((1.0,) * 8)))
    scaled = audio_of(model, HELLO, delivery=told(VectorEmotion((0.1,) * 8)))
    assert same(loud, scaled)


def test_a_drawn_exemplar_depends_on_the_seed_alone(model: IndexTTS2Model) -> None:
    drawn = VectorEmotion(HAPPY, draw_exemplar=True)
    first = audio_of(model, HELLO, delivery=told(drawn))
    assert same(first, audio_of(model, HELLO, delivery=told(drawn)))
    others = [
        (
            audio_of(model, HELLO, delivery=told(drawn, seed=seed)),
            audio_of(model, HELLO, delivery=told(VectorEmotion(HAPPY), seed=seed)),
        )
        for seed in range(4)
    ]
    assert any(not same(random, nearest) for random, nearest in others)


def test_weights_found_in_words_are_reported_once(model: IndexTTS2Model) -> None:
    parts = parts_of(model, HELLO, "Pack my box!", delivery=told(WordsEmotion("so happy")))
    found = [part.emotion_weights for part in parts if part.emotion_weights]
    assert len(found) == 1
    assert len(found[0]) == 8
    assert 0 < sum(found[0]) <= 0.8 + 1e-9


def test_the_spoken_text_stands_in_for_words(model: IndexTTS2Model) -> None:
    own = audio_of(model, HELLO, delivery=told(WordsEmotion()))
    assert same(own, audio_of(model, HELLO, delivery=told(WordsEmotion(HELLO))))


def test_words_need_their_model_and_nothing_else_does(checkpoint: Path, tmp_path: Path) -> None:
    folder = copied_checkpoint(checkpoint, tmp_path)
    (folder / "qwen0.6bemo4-merge" / "model.safetensors").unlink()
    model = IndexTTS2Model(checkpoints_dir=folder, device="cpu", use_grammars=False)
    assert len(audio_of(model, HELLO)) > 0
    with pytest.raises(ModelUnavailable, match=r"qwen0\.6bemo4-merge/model\.safetensors"):
        audio_of(model, HELLO, voice=LOW, delivery=told(WordsEmotion("happy")))


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
    ],
)
def test_any_answer_gives_eight_weights(answer: str, weights: tuple[float, ...]) -> None:
    assert parse_answer(answer, words="fine") == pytest.approx(weights)


def test_low_spirits_are_not_taken_for_grief() -> None:
    answer = '{"悲伤": 0.6}'
    assert parse_answer(answer, words="Deeply DEPRESSED")[5] == pytest.approx(0.6)
    assert parse_answer(answer, words="grieving")[2] == pytest.approx(0.6)
