"""The codes of a prompt are the same alone and in any batch, and hold what is promised of them."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.noise import KeyedNoise, SegmentKey
from adapters.indextts2.t2s.beam_search import Codes
from adapters.indextts2.t2s.generator import StepwiseGenerator
from adapters.indextts2.t2s.prompt import batch_prompts
from adapters.indextts2.t2s.sampling import CodeSampling
from tests.models.indextts2.parts import with_parts
from tests.models.indextts2.speaking import prompts_of, samplings

TEXTS = (
    "Hello world, this is a tiny test.",
    "Pack!",
    "The quick brown fox jumps over the lazy dog, and every segment is spoken.",
    "你好 世界",
)
SAMPLINGS = samplings(40)


@pytest.fixture(scope="module")
def prompts(engine: Engine) -> list[Tensor]:  # (1, length, width) each
    return prompts_of(engine, TEXTS)


def generate(
    engine: Engine, prompts: Sequence[Tensor], order: Sequence[int], sampling: CodeSampling
) -> dict[int, Codes]:
    """Generate codes for the prompts whose indices are in ``order``, in one batch."""
    with torch.inference_mode():
        results = engine.synthesizer.generator.generate(
            [prompts[index] for index in order],
            [SegmentKey(index, 0) for index in order],
            sampling=sampling,
            noise=noise(),
        )
    return dict(zip(order, results, strict=True))


def generate_all(engine: Engine, prompts: Sequence[Tensor], sampling: CodeSampling) -> list[Codes]:
    return list(generate(engine, prompts, range(len(prompts)), sampling).values())


def noise() -> KeyedNoise:
    return KeyedNoise(11, device=torch.device("cpu"))


def stepwise(engine: Engine) -> StepwiseGenerator:
    assert isinstance(engine.synthesizer.generator, StepwiseGenerator)
    return engine.synthesizer.generator


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0), (1, 3, 0)])
def test_codes_are_the_same_alone_and_in_any_batch(
    engine: Engine, prompts: list[Tensor], name: str, order: tuple[int, ...]
) -> None:
    together = generate(engine, prompts, order, SAMPLINGS[name])
    for index in order:
        alone = generate(engine, prompts, (index,), SAMPLINGS[name])[index]
        assert together[index].ids.tolist() == alone.ids.tolist()
        assert together[index].stopped == alone.stopped


@pytest.mark.parametrize("name", SAMPLINGS)
def test_neither_polling_nor_the_capacity_of_the_cache_changes_a_code(
    engine: Engine, prompts: list[Tensor], name: str
) -> None:
    sampling = replace(SAMPLINGS[name], max_mel_tokens=150)
    expected = [
        (codes.ids.tolist(), codes.stopped) for codes in generate_all(engine, prompts, sampling)
    ]
    for poll_every, reserve_steps in ((1, 32), (7, 32), (8, 1), (8, 500)):
        generator = replace(stepwise(engine), poll_every=poll_every, reserve_steps=reserve_steps)
        changed = with_parts(engine, generator=generator)
        results = generate_all(changed, prompts, sampling)
        assert [(codes.ids.tolist(), codes.stopped) for codes in results] == expected


@pytest.mark.parametrize("name", SAMPLINGS)
def test_padding_of_nan_changes_no_code(engine: Engine, prompts: list[Tensor], name: str) -> None:
    batch = batch_prompts(prompts)
    is_padding = torch.arange(batch.embeddings.shape[1])[None] < batch.padding[:, None]
    embeddings = batch.embeddings.masked_fill(is_padding[:, :, None], torch.nan)
    with torch.inference_mode():
        results = stepwise(engine).decode(
            replace(batch, embeddings=embeddings),
            [SegmentKey(index, 0) for index in range(len(prompts))],
            sampling=SAMPLINGS[name],
            noise=noise(),
        )
    expected = generate_all(engine, prompts, SAMPLINGS[name])
    assert is_padding.any()
    assert [each.ids.tolist() for each in results] == [each.ids.tolist() for each in expected]


def test_some_rows_stop_before_others(engine: Engine, prompts: list[Tensor]) -> None:
    """Guard the tests above: without this they would prove less than they seem to."""
    lengths = {len(codes.ids) for codes in generate_all(engine, prompts, SAMPLINGS["beams"])}
    assert len(lengths) > 1


@pytest.mark.parametrize("name", SAMPLINGS)
def test_codes_are_in_range_and_no_more_than_max_mel_tokens(
    engine: Engine, prompts: list[Tensor], name: str
) -> None:
    sampling = replace(SAMPLINGS[name], max_mel_tokens=7)
    for codes in generate_all(engine, prompts, sampling):
        assert len(codes.ids) + codes.stopped <= 7
        assert codes.stopped or len(codes.ids) == 7
        assert all(0 <= code < 128 for code in codes.ids.tolist())


def test_the_longest_sequence_of_the_model_can_be_generated(
    engine: Engine, prompts: list[Tensor]
) -> None:
    sampling = CodeSampling(num_beams=1, max_mel_tokens=engine.synthesizer.generator.longest)
    (codes,) = generate(engine, prompts, (0,), sampling).values()
    assert len(codes.ids) <= engine.synthesizer.generator.longest


def test_latents_of_the_longest_sequence_can_be_computed(
    engine: Engine, prompts: list[Tensor]
) -> None:
    codes = torch.zeros(engine.synthesizer.generator.longest, dtype=torch.int64)
    with torch.inference_mode():
        assert (
            engine.synthesizer.latents(prompts[0], codes).shape[1]
            == engine.synthesizer.generator.longest
        )


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("count", [1, 10, 30])
def test_begin_returns_the_first_codes_of_the_result(
    engine: Engine, prompts: list[Tensor], name: str, count: int
) -> None:
    sampling, prefixes = replace(SAMPLINGS[name], max_mel_tokens=60), 0
    for index, prompt in enumerate(prompts):
        with torch.inference_mode():
            begun = engine.synthesizer.generator.begin(
                prompt, SegmentKey(index, 0), sampling=sampling, noise=noise(), count=count
            )
        expected = generate(engine, prompts, (index,), sampling)[index].ids.tolist()
        if isinstance(begun, Codes):
            assert begun.ids.tolist() == expected
            continue
        prefixes += 1
        assert len(begun) >= count
        assert begun.tolist() == expected[: len(begun)]
    assert prefixes


def test_begin_returns_all_codes_of_a_segment_that_ends_early(
    engine: Engine, prompts: list[Tensor]
) -> None:
    sampling = SAMPLINGS["beams"]
    with torch.inference_mode():
        begun = engine.synthesizer.generator.begin(
            prompts[0],
            SegmentKey(0, 0),
            sampling=sampling,
            noise=noise(),
            count=sampling.max_mel_tokens,
        )
    assert isinstance(begun, Codes)
    assert begun.ids.tolist() == generate(engine, prompts, (0,), sampling)[0].ids.tolist()
