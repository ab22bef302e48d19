"""A request's beginning, heard before its first segment is decoded."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.engine.stages import Stages
from adapters.indextts2.noise import KeyedNoise
from adapters.indextts2.t2s.beam_search import Codes
from adapters.indextts2.t2s.steps.buckets import PowerOfTwoBuckets
from adapters.indextts2.t2s.steps.graph_runner import GraphRunner
from application.ports.speech_model import SpokenPart
from domain.delivery import Delivery, Sampling
from domain.errors import SynthesisFailed
from tests.models.indextts2.cpu_capture import CpuRecorder, WatchedStorage
from tests.models.indextts2.golden_runs import golden_stages
from tests.models.indextts2.speaking import LOW, joined, same, warnings_of

CHUNKS = ("The quick brown fox jumps over the lazy dog.", "Pack my box!")
LONG = Sampling(max_mel_tokens=200, diffusion_steps=4)
BEGUN = 60


@dataclass(slots=True)
class Diary:
    """Writes down what the generator and the mel decoder are asked for, and what comes of it."""

    stages: Stages
    events: list[str] = field(default_factory=list)
    mels: list[Tensor] = field(default_factory=list)

    def kept_by(self) -> Stages:
        return replace(self.stages, generator=self, mel_decoder=self)

    @property
    def longest(self) -> int:
        return self.stages.generator.longest

    def generate(self, *arguments: Any, **named: Any) -> Any:
        self.events.append("generate")
        return self.stages.generator.generate(*arguments, **named)

    def begin(self, *arguments: Any, **named: Any) -> Tensor | Codes:
        self.events.append("begin")
        return self.stages.generator.begin(*arguments, **named)

    @property
    def lookahead_frames(self) -> int:
        return self.stages.mel_decoder.lookahead_frames

    def decode(self, *arguments: Any, **named: Any) -> list[Tensor]:
        self.mels += self.stages.mel_decoder.decode(*arguments, **named)
        return self.mels[-len(arguments[0]) :]


class Endless:
    """A language model that never says the stop code; random weights otherwise do soon."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def mel_head(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self._model.mel_head(hidden)
        logits[..., self._model.stop_mel_token].fill_(-1e4)
        return logits


@pytest.fixture(scope="module")
def endless(stages: Stages) -> Stages:
    generator: Any = stages.generator
    return replace(
        stages,
        generator=replace(generator, language_model=Endless(generator.language_model)),
        noise=partial(KeyedNoise, device=torch.device("cpu")),
    )


@pytest.fixture
def diary(endless: Stages) -> Diary:
    return Diary(replace(endless, early_codes=BEGUN))


def spoken(stages: Stages, *chunks: str, seed: int = 3) -> list[SpokenPart]:
    with torch.inference_mode():
        return list(Engine(stages=stages).speak(chunks, voice=LOW, delivery=_delivery(seed)))


def _delivery(seed: int) -> Delivery:
    return Delivery(seed, sampling=LONG)


def chunk(parts: Sequence[SpokenPart], index: int) -> list[SpokenPart]:
    return [part for part in parts if part.chunk == index]


def test_the_beginning_leaves_before_the_first_segment_is_decoded(diary: Diary) -> None:
    parts = Engine(stages=diary.kept_by()).speak(CHUNKS, voice=LOW, delivery=_delivery(3))
    with torch.inference_mode():
        first = next(parts)
        assert diary.events == ["begin"]
        assert len(first.samples) > 0
        assert not first.ends_chunk
        rest = list(parts)
    assert diary.events[:2] == ["begin", "generate"]
    assert diary.events.count("begin") == 1
    assert [part.chunk for part in rest if part.ends_chunk] == [0, 1]


def test_what_was_heard_early_and_what_follows_are_one_painting_without_a_seam(
    diary: Diary,
) -> None:
    parts = spoken(diary.kept_by(), *CHUNKS)
    beginning, whole, *_ = diary.mels
    kept = beginning.shape[2] - diary.lookahead_frames
    assert torch.equal(whole[:, :, :kept], beginning[:, :, :kept])
    assert not torch.equal(whole[:, :, kept : kept + 1], beginning[:, :, kept : kept + 1])
    with torch.inference_mode():
        (expected,) = diary.stages.vocoder.synthesize([whole])
    np.testing.assert_allclose(joined(parts, chunk=0), expected, atol=1e-5)


def test_early_audio_is_named_in_the_result_and_changes_the_first_chunk_alone(
    diary: Diary, endless: Stages
) -> None:
    early, late = spoken(diary.stages, *CHUNKS), spoken(endless, *CHUNKS)
    assert any("EARLY_FIRST_AUDIO" in warning for warning in warnings_of(chunk(early, 0)))
    assert not any("EARLY_FIRST_AUDIO" in said for said in warnings_of(chunk(early, 1)))
    assert not any("EARLY_FIRST_AUDIO" in said for said in warnings_of(late))
    assert joined(early, chunk=0).shape == joined(late, chunk=0).shape
    assert not same(joined(early, chunk=0), joined(late, chunk=0))
    assert same(joined(early, chunk=1), joined(late, chunk=1))


def test_early_audio_has_the_same_samples_every_time(diary: Diary) -> None:
    once, again = (joined(spoken(diary.stages, *CHUNKS)) for _ in range(2))
    assert same(once, again)


def test_a_segment_that_is_over_before_it_could_be_early_is_spoken_as_always(
    endless: Stages,
) -> None:
    diary = Diary(replace(endless, early_codes=LONG.max_mel_tokens or 0))
    parts = spoken(diary.kept_by(), *CHUNKS)
    assert same(joined(parts), joined(spoken(endless, *CHUNKS)))
    assert not any("EARLY" in warning for warning in warnings_of(parts))
    assert diary.events == ["begin", "generate"]  # the second chunk's: nothing is decoded twice


def test_what_was_heard_early_must_be_said_in_the_end(diary: Diary) -> None:
    class Forgetful(Diary):
        def begin(self, *arguments: Any, **named: Any) -> Tensor | Codes:
            begun = self.stages.generator.begin(*arguments, **named)
            assert isinstance(begun, Tensor)
            return begun.roll(1)

    parts = Engine(stages=Forgetful(diary.stages).kept_by()).speak(
        CHUNKS, voice=LOW, delivery=_delivery(3)
    )
    with torch.inference_mode(), pytest.raises(SynthesisFailed, match="EARLY_FIRST_AUDIO=false"):
        list(parts)


def test_early_audio_begins_with_some_codes_where_it_is_asked_for(checkpoint: Path) -> None:
    assert golden_stages(checkpoint).early_codes == 0
    assert golden_stages(checkpoint, early_first_audio=True).early_codes > 0


def test_requests_take_turns_amid_a_segment_on_the_same_memory(diary: Diary) -> None:
    generator: Any = diary.stages.generator
    model = generator.language_model
    recorder = CpuRecorder(WatchedStorage(), [*model.parameters(), *model.buffers()])
    runner = GraphRunner(recorder=recorder, storage=recorder.storage)
    engine = Engine(
        stages=replace(
            diary.stages, generator=replace(generator, runner=runner, buckets=PowerOfTwoBuckets())
        )
    )
    alone = [joined(spoken(diary.stages, *CHUNKS, seed=seed)) for seed in (3, 4)]
    turns = [engine.speak(CHUNKS, voice=LOW, delivery=_delivery(seed)) for seed in (3, 4)]
    with torch.inference_mode():
        heard = list(zip(*turns, strict=True))
    assert recorder.repeated > 0
    assert len(heard) > len(CHUNKS)
    for parts, expected in zip(zip(*heard, strict=True), alone, strict=True):
        assert same(joined(parts), expected)
