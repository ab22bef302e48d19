import gc
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from adapters.indextts2.devices import Precision
from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.failures import speaking
from adapters.indextts2.model import IndexTTS2Model
from adapters.indextts2.t2s.beam_search import Codes
from domain.audio import Samples
from domain.delivery import Delivery, Sampling
from domain.errors import InvalidRequest, OutOfMemory, SynthesisFailed
from tests.models.indextts2.golden_runs import golden_engine
from tests.models.indextts2.parts import with_parts
from tests.models.indextts2.speaking import (
    HELLO,
    HIGH,
    LOW,
    SHORT,
    audio_of,
    joined,
    parts_of,
    same,
    warnings_of,
)
from tests.tiny_checkpoint.voices import recording


def test_the_same_seed_gives_the_same_samples_and_another_seed_others(
    model: IndexTTS2Model,
) -> None:
    first = audio_of(model, HELLO, delivery=Delivery(5, sampling=SHORT))
    assert same(first, audio_of(model, HELLO, delivery=Delivery(5, sampling=SHORT)))
    assert not same(first, audio_of(model, HELLO, delivery=Delivery(6, sampling=SHORT)))


def test_accepts_the_largest_seed(model: IndexTTS2Model) -> None:
    largest = audio_of(model, HELLO, delivery=Delivery(2**63 - 1, sampling=SHORT))
    assert not same(largest, audio_of(model, HELLO, delivery=Delivery(0, sampling=SHORT)))


def test_neither_another_job_nor_the_generator_of_torch_changes_the_samples(
    model: IndexTTS2Model,
) -> None:
    alone = audio_of(model, HELLO)
    torch.manual_seed(123)
    disturbed = []
    for part in model.speak([HELLO], voice=LOW, delivery=Delivery(1, sampling=SHORT)):
        audio_of(model, "Another job.", voice=HIGH, delivery=Delivery(9, sampling=SHORT))
        disturbed.append(part)
    assert same(alone, joined(disturbed))


def test_leaves_the_generator_of_torch_unchanged(model: IndexTTS2Model) -> None:
    torch.manual_seed(7)
    untouched = torch.rand(3)
    torch.manual_seed(7)
    audio_of(model, HELLO)
    assert torch.equal(torch.rand(3), untouched)


def test_jobs_in_many_threads_do_not_change_one_another(model: IndexTTS2Model) -> None:
    expected = {seed: audio_of(model, HELLO, delivery=_seeded(seed)) for seed in range(4)}
    spoken: dict[int, Samples] = {}

    def speak(seed: int) -> None:
        spoken[seed] = audio_of(model, HELLO, delivery=_seeded(seed))

    threads = [threading.Thread(target=speak, args=(seed,)) for seed in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(same(expected[seed], spoken[seed]) for seed in expected)


def test_a_chunk_sounds_the_same_whatever_follows_it(model: IndexTTS2Model) -> None:
    alone = audio_of(model, HELLO)
    followed = parts_of(model, HELLO, "Pack my box!", "And every segment is spoken.")
    assert same(alone, joined(followed, chunk=0))


def test_parts_come_in_order_and_every_chunk_ends_once(model: IndexTTS2Model) -> None:
    chunks = ("Hello world.", "\U0001f600", "And every segment is spoken.", "...")
    parts = parts_of(model, *chunks)
    assert [part.chunk for part in parts] == sorted(part.chunk for part in parts)
    assert [part.chunk for part in parts if part.ends_chunk] == [0, 1, 2, 3]
    assert all(part.samples.dtype == np.float32 for part in parts)
    assert [len(joined(parts, chunk=chunk)) > 0 for chunk in range(4)] == [True, False, True, False]


def test_a_chunk_that_cannot_be_spoken_is_named(model: IndexTTS2Model) -> None:
    warnings = warnings_of(parts_of(model, "Hello world.", "\U0001f600\U0001f680"))
    assert len(warnings) == 1
    assert warnings[0].startswith("chunk 2: the model does not know")


@pytest.mark.parametrize(
    "text", ["\U0001f600 \U0001f468‍\U0001f469‍\U0001f467", "ЖЩЮ", "жщю ыъ", "…", " "]
)
def test_refuses_a_text_without_a_known_token(model: IndexTTS2Model, text: str) -> None:
    with pytest.raises(InvalidRequest, match="text"):
        parts_of(model, text)


def test_yields_nothing_for_no_chunks(model: IndexTTS2Model) -> None:
    assert parts_of(model) == []


def test_a_chunk_that_does_not_stop_carries_a_warning(model: IndexTTS2Model) -> None:
    never_done = Sampling(max_mel_tokens=2, diffusion_steps=2)
    parts = parts_of(model, HELLO, delivery=Delivery(1, sampling=never_done))
    assert "max_mel_tokens (2)" in warnings_of(parts)[0]


@pytest.mark.parametrize(
    ("controls", "field"),
    [
        (Sampling(max_mel_tokens=1816), "max_mel_tokens"),
        (Sampling(temperature=0.0), "temperature"),
        (Sampling(top_p=0.0), "top_p"),
        (Sampling(num_beams=0), "num_beams"),
        (Sampling(top_k=-1), "top_k"),
    ],
)
def test_refuses_controls_that_the_model_cannot_take(
    model: IndexTTS2Model, controls: Sampling, field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parts_of(model, HELLO, delivery=Delivery(1, sampling=controls))
    assert refused.value.message.startswith(f"{field}:")


@pytest.mark.parametrize(
    "controls",
    [
        replace(SHORT, num_beams=1),
        replace(SHORT, num_beams=5, top_k=2),
        replace(SHORT, top_k=0, top_p=1.0, temperature=2.0),
        replace(SHORT, repetition_penalty=1.0),
        replace(SHORT, inference_cfg_rate=0.0),
        replace(SHORT, diffusion_steps=1),
    ],
)
def test_each_control_changes_the_speech(model: IndexTTS2Model, controls: Sampling) -> None:
    changed = audio_of(model, HELLO, delivery=Delivery(1, sampling=controls))
    assert np.isfinite(changed).all()
    assert not same(changed, audio_of(model, HELLO))


@pytest.mark.parametrize("seconds", [0.5, 15.0, 40.0])
def test_clones_recordings_of_any_usable_length(model: IndexTTS2Model, seconds: float) -> None:
    voice = recording(f"long {seconds}", 150.0, seconds=seconds, rate_hz=16000)
    assert len(audio_of(model, "Hello world.", voice=voice)) > 0


def test_closing_the_parts_frees_the_model(model: IndexTTS2Model) -> None:
    parts = model.speak([HELLO, HELLO, HELLO], voice=LOW, delivery=Delivery(1, sampling=SHORT))
    next(parts)
    del parts
    gc.collect()
    assert len(audio_of(model, HELLO)) > 0


def test_parts_keep_no_graph_of_gradients(model: IndexTTS2Model) -> None:
    audio_of(model, HELLO)
    gc.collect()
    # By type: isinstance would wake deprecated attributes of objects that are no tensors.
    tensors = [held for held in gc.get_objects() if issubclass(type(held), torch.Tensor)]
    assert not any(tensor.grad_fn is not None for tensor in tensors)


def test_speech_has_an_ordinary_loudness(model: IndexTTS2Model) -> None:
    samples = audio_of(model, HELLO)
    assert 0.01 < np.abs(samples).max() <= 1.0


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory at /some/path"), OutOfMemory),
        (MemoryError(), OutOfMemory),
        (RuntimeError("mat1 and mat2 at /some/path"), SynthesisFailed),
        (IndexError("list index"), SynthesisFailed),
        (StopIteration("7"), SynthesisFailed),
    ],
)
def test_what_a_stage_raises_becomes_an_error_of_the_domain(
    engine: Engine, raised: Exception, expected: type[Exception]
) -> None:
    class Broken:
        samples_per_frame = 256

        def synthesize(self, mels: object) -> list[Samples]:
            raise raised

        def pieces(self, mel: object, **_: object) -> Iterator[Samples]:
            raise raised

    parts = with_parts(engine, vocoder=Broken()).speak(
        ["Hello."], voice=LOW, delivery=Delivery(1, sampling=SHORT)
    )
    with pytest.raises(expected) as failed, torch.inference_mode(), speaking():
        next(parts, None)
    assert "/some/path" not in str(failed.value)


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_refuses_broken_or_silent_audio(engine: Engine, value: float) -> None:
    class Dull:
        samples_per_frame = 256

        def synthesize(self, mels: Sequence[Tensor]) -> list[Samples]:
            return [np.full(256 * mel.shape[2], value, np.float32) for mel in mels]

        def pieces(self, mel: Tensor, **_: object) -> Iterator[Samples]:
            yield from self.synthesize([mel])

    parts = with_parts(engine, vocoder=Dull()).speak(
        ["Hello."], voice=LOW, delivery=Delivery(1, sampling=SHORT)
    )
    with pytest.raises(SynthesisFailed), torch.inference_mode():
        next(parts)


def test_a_segment_without_a_single_code_fails(engine: Engine) -> None:
    class Mute:
        longest = 100

        def generate(self, prompts: Sequence[object], *_: object, **__: object) -> list[Codes]:
            return [self.begin() for _ in prompts]

        def begin(self, *_: object, **__: object) -> Codes:
            return Codes(torch.zeros(0, dtype=torch.int64), stopped=True)

    for early_codes in (0, 10):
        mute = with_parts(engine, generator=Mute(), early_codes=early_codes)
        parts = mute.speak(["Hello."], voice=LOW, delivery=Delivery(1, sampling=SHORT))
        with pytest.raises(SynthesisFailed, match="generated no speech"), torch.inference_mode():
            next(parts)


@pytest.mark.parametrize("precision", [Precision.HALF, Precision.HALF_PRODUCTS])
def test_half_precision_computes_the_same_latents_of_the_same_codes(
    checkpoint: Path, engine: Engine, precision: Precision
) -> None:
    halved = golden_engine(checkpoint, precision=precision)
    with torch.inference_mode():
        voice = engine.frontend.encoder.encode(LOW)
        prompt = engine.synthesizer.prompts.build(
            range(5, 25), latents=voice.latents, emotion=engine.frontend.emotions.own(voice)
        )
        codes = torch.arange(40)
        expected = engine.synthesizer.latents(prompt, codes)
        found = halved.synthesizer.latents(prompt.to(halved.synthesizer.prompts.dtype), codes)
    assert found.dtype is torch.float32
    assert (found - expected).norm() < 1e-2 * expected.norm()


@pytest.mark.parametrize("precision", [Precision.HALF, Precision.HALF_PRODUCTS])
def test_half_precision_speaks_with_the_same_stages(checkpoint: Path, precision: Precision) -> None:
    """What USE_FP16 leads to, on the CPU: every number type fits where it meets another."""
    halved = golden_engine(checkpoint, precision=precision)
    with torch.inference_mode():
        (part,) = halved.speak([HELLO], voice=LOW, delivery=Delivery(1, sampling=SHORT))
    assert np.isfinite(part.samples).all()
    assert len(part.samples) > 0


def _seeded(seed: int) -> Delivery:
    return Delivery(seed, sampling=SHORT)
