"""The beginning of a request, delivered before its first segment is decoded."""

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
from adapters.indextts2.noise import KeyedNoise
from adapters.indextts2.t2s.beam_search import Codes
from adapters.indextts2.t2s.steps.buckets import PowerOfTwoBuckets
from adapters.indextts2.t2s.steps.graph_runner import GraphRunner
from application.ports.speech_model import SpokenPart
from domain.delivery import Delivery, Sampling
from domain.errors import SynthesisFailed
from tests.models.indextts2.cpu_capture import CpuCapture, ObservableBuffers
from tests.models.indextts2.golden_runs import golden_engine
from tests.models.indextts2.parts import with_parts
from tests.models.indextts2.speaking import LOW, joined, same, warnings_of

CHUNKS = ("The quick brown fox jumps over the lazy dog.", "Pack my box!")
LONG = Sampling(max_mel_tokens=200, diffusion_steps=4)
EARLY_CODES = 60


@dataclass(slots=True)
class CallLog:
    """Notes the calls of the generator, and the results of the mel decoder, of ``engine``."""

    engine: Engine
    events: list[str] = field(default_factory=list)
    mels: list[Tensor] = field(default_factory=list)  # (1, bands, frames) each

    def logged_engine(self) -> Engine:
        return with_parts(self.engine, generator=self, mel_decoder=self)

    @property
    def longest(self) -> int:
        return self.engine.synthesizer.generator.longest

    def generate(self, *arguments: Any, **named: Any) -> Any:
        self.events.append("generate")
        return self.engine.synthesizer.generator.generate(*arguments, **named)

    def begin(self, *arguments: Any, **named: Any) -> Tensor | Codes:
        self.events.append("begin")
        return self.engine.synthesizer.generator.begin(*arguments, **named)

    @property
    def lookahead_frames(self) -> int:
        return self.engine.synthesizer.mel_decoder.lookahead_frames

    def decode(self, *arguments: Any, **named: Any) -> list[Tensor]:
        self.mels += self.engine.synthesizer.mel_decoder.decode(*arguments, **named)
        return self.mels[-len(arguments[0]) :]


class NeverStopping:
    """A language model that never chooses the stop code; with random weights it soon would."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def mel_head(self, hidden: Tensor) -> Tensor:  # (..., width) to (..., codes)
        logits: Tensor = self._model.mel_head(hidden)
        logits[..., self._model.stop_mel_token].fill_(-1e4)
        return logits


@pytest.fixture(scope="module")
def never_stopping(engine: Engine) -> Engine:
    generator: Any = engine.synthesizer.generator
    return with_parts(
        engine,
        generator=replace(generator, language_model=NeverStopping(generator.language_model)),
        noise=partial(KeyedNoise, device=torch.device("cpu")),
    )


@pytest.fixture
def call_log(never_stopping: Engine) -> CallLog:
    return CallLog(with_parts(never_stopping, early_codes=EARLY_CODES))


def spoken(engine: Engine, *chunks: str, seed: int = 3) -> list[SpokenPart]:
    with torch.inference_mode():
        return list(engine.speak(chunks, voice=LOW, delivery=_delivery(seed)))


def _delivery(seed: int) -> Delivery:
    return Delivery(seed, sampling=LONG)


def chunk(parts: Sequence[SpokenPart], index: int) -> list[SpokenPart]:
    return [part for part in parts if part.chunk == index]


def test_the_beginning_leaves_before_the_first_segment_is_decoded(call_log: CallLog) -> None:
    parts = call_log.logged_engine().speak(CHUNKS, voice=LOW, delivery=_delivery(3))
    with torch.inference_mode():
        first = next(parts)
        assert call_log.events == ["begin"]
        assert len(first.samples) > 0
        assert not first.ends_chunk
        rest = list(parts)
    assert call_log.events[:2] == ["begin", "generate"]
    assert call_log.events.count("begin") == 1
    assert [part.chunk for part in rest if part.ends_chunk] == [0, 1]


def test_the_beginning_and_the_rest_of_a_segment_come_from_one_mel(
    call_log: CallLog,
) -> None:
    parts = spoken(call_log.logged_engine(), *CHUNKS)
    beginning, complete, *_ = call_log.mels
    kept = beginning.shape[2] - call_log.lookahead_frames
    assert torch.equal(complete[:, :, :kept], beginning[:, :, :kept])
    assert not torch.equal(complete[:, :, kept : kept + 1], beginning[:, :, kept : kept + 1])
    with torch.inference_mode():
        (expected,) = call_log.engine.synthesizer.vocoder.synthesize([complete])
    np.testing.assert_allclose(joined(parts, chunk=0), expected, atol=1e-5)


def test_early_audio_is_named_in_the_result_and_changes_the_first_chunk_alone(
    call_log: CallLog, never_stopping: Engine
) -> None:
    early, late = spoken(call_log.engine, *CHUNKS), spoken(never_stopping, *CHUNKS)
    assert any("EARLY_FIRST_AUDIO" in warning for warning in warnings_of(chunk(early, 0)))
    assert not any("EARLY_FIRST_AUDIO" in warning for warning in warnings_of(chunk(early, 1)))
    assert not any("EARLY_FIRST_AUDIO" in warning for warning in warnings_of(late))
    assert joined(early, chunk=0).shape == joined(late, chunk=0).shape
    assert not same(joined(early, chunk=0), joined(late, chunk=0))
    assert same(joined(early, chunk=1), joined(late, chunk=1))


def test_early_audio_has_the_same_samples_every_time(call_log: CallLog) -> None:
    once, again = (joined(spoken(call_log.engine, *CHUNKS)) for _ in range(2))
    assert same(once, again)


def test_a_segment_too_short_for_early_audio_is_spoken_at_once(
    never_stopping: Engine,
) -> None:
    call_log = CallLog(with_parts(never_stopping, early_codes=LONG.max_mel_tokens or 0))
    parts = spoken(call_log.logged_engine(), *CHUNKS)
    assert same(joined(parts), joined(spoken(never_stopping, *CHUNKS)))
    assert not any("EARLY" in warning for warning in warnings_of(parts))
    assert call_log.events == ["begin", "generate"]  # the second chunk's: nothing is decoded twice


def test_the_codes_of_the_beginning_must_be_those_of_the_segment(call_log: CallLog) -> None:
    class Forgetful(CallLog):
        def begin(self, *arguments: Any, **named: Any) -> Tensor | Codes:
            begun = self.engine.synthesizer.generator.begin(*arguments, **named)
            assert isinstance(begun, Tensor)
            return begun.roll(1)

    parts = (
        Forgetful(call_log.engine).logged_engine().speak(CHUNKS, voice=LOW, delivery=_delivery(3))
    )
    with torch.inference_mode(), pytest.raises(SynthesisFailed, match="EARLY_FIRST_AUDIO=false"):
        list(parts)


def test_early_audio_has_a_number_of_codes_where_the_option_is_set(checkpoint: Path) -> None:
    assert golden_engine(checkpoint).synthesizer.early_codes == 0
    assert golden_engine(checkpoint, early_first_audio=True).synthesizer.early_codes > 0


def test_requests_may_alternate_within_a_segment(call_log: CallLog) -> None:
    generator: Any = call_log.engine.synthesizer.generator
    model = generator.language_model
    capture = CpuCapture(ObservableBuffers(), [*model.parameters(), *model.buffers()])
    runner = GraphRunner(graph_capture=capture, buffers=capture.buffers)
    engine = with_parts(
        call_log.engine,
        generator=replace(generator, runner=runner, buckets=PowerOfTwoBuckets()),
    )
    alone = [joined(spoken(call_log.engine, *CHUNKS, seed=seed)) for seed in (3, 4)]
    requests = [engine.speak(CHUNKS, voice=LOW, delivery=_delivery(seed)) for seed in (3, 4)]
    with torch.inference_mode():
        delivered = list(zip(*requests, strict=True))
    assert capture.replays > 0
    assert len(delivered) > len(CHUNKS)
    for parts, expected in zip(zip(*delivered, strict=True), alone, strict=True):
        assert same(joined(parts), expected)
