"""The codes of a prompt are the same alone and in any batch, and hold what is promised of them."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from adapters.indextts2.engine.stages import Stages
from adapters.indextts2.noise import KeyedNoise, SegmentKey
from adapters.indextts2.t2s.beam_search import Codes
from adapters.indextts2.t2s.generator import StepwiseGenerator
from adapters.indextts2.t2s.prompt import batch_prompts
from adapters.indextts2.t2s.sampling import CodeSampling
from tests.models.indextts2.speaking import prompts_of, samplings

TEXTS = (
    "Hello world, this is a tiny test.",
    "Pack!",
    "The quick brown fox jumps over the lazy dog, and every segment is spoken.",
    "你好 世界",
)
SAMPLINGS = samplings(40)


@pytest.fixture(scope="module")
def prompts(stages: Stages) -> list[Tensor]:  # (1, length, width) each
    return prompts_of(stages, TEXTS)


def generate(
    stages: Stages, prompts: Sequence[Tensor], order: Sequence[int], sampling: CodeSampling
) -> dict[int, Codes]:
    """Generate codes for the prompts whose indices are in ``order``, in one batch."""
    with torch.inference_mode():
        results = stages.generator.generate(
            [prompts[index] for index in order],
            [SegmentKey(index, 0) for index in order],
            sampling=sampling,
            noise=noise(),
        )
    return dict(zip(order, results, strict=True))


def generate_all(stages: Stages, prompts: Sequence[Tensor], sampling: CodeSampling) -> list[Codes]:
    return list(generate(stages, prompts, range(len(prompts)), sampling).values())


def noise() -> KeyedNoise:
    return KeyedNoise(11, device=torch.device("cpu"))


def stepwise(stages: Stages) -> StepwiseGenerator:
    assert isinstance(stages.generator, StepwiseGenerator)
    return stages.generator


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0), (1, 3, 0)])
def test_codes_are_the_same_alone_and_in_any_batch(
    stages: Stages, prompts: list[Tensor], name: str, order: tuple[int, ...]
) -> None:
    together = generate(stages, prompts, order, SAMPLINGS[name])
    for index in order:
        alone = generate(stages, prompts, (index,), SAMPLINGS[name])[index]
        assert together[index].ids.tolist() == alone.ids.tolist()
        assert together[index].stopped == alone.stopped


@pytest.mark.parametrize("name", SAMPLINGS)
def test_neither_polling_nor_the_capacity_of_the_cache_changes_a_code(
    stages: Stages, prompts: list[Tensor], name: str
) -> None:
    sampling = replace(SAMPLINGS[name], max_mel_tokens=150)
    expected = [
        (codes.ids.tolist(), codes.stopped) for codes in generate_all(stages, prompts, sampling)
    ]
    for poll_every, reserve_steps in ((1, 32), (7, 32), (8, 1), (8, 500)):
        generator = replace(stepwise(stages), poll_every=poll_every, reserve_steps=reserve_steps)
        changed = replace(stages, generator=generator)
        results = generate_all(changed, prompts, sampling)
        assert [(codes.ids.tolist(), codes.stopped) for codes in results] == expected


@pytest.mark.parametrize("name", SAMPLINGS)
def test_padding_of_nan_changes_no_code(stages: Stages, prompts: list[Tensor], name: str) -> None:
    batch = batch_prompts(prompts)
    is_padding = torch.arange(batch.embeddings.shape[1])[None] < batch.padding[:, None]
    embeddings = batch.embeddings.masked_fill(is_padding[:, :, None], torch.nan)
    with torch.inference_mode():
        results = stepwise(stages).decode(
            replace(batch, embeddings=embeddings),
            [SegmentKey(index, 0) for index in range(len(prompts))],
            sampling=SAMPLINGS[name],
            noise=noise(),
        )
    expected = generate_all(stages, prompts, SAMPLINGS[name])
    assert is_padding.any()
    assert [each.ids.tolist() for each in results] == [each.ids.tolist() for each in expected]


def test_some_rows_stop_before_others(stages: Stages, prompts: list[Tensor]) -> None:
    """Guard the tests above: without this they would prove less than they seem to."""
    lengths = {len(codes.ids) for codes in generate_all(stages, prompts, SAMPLINGS["beams"])}
    assert len(lengths) > 1


@pytest.mark.parametrize("name", SAMPLINGS)
def test_codes_are_in_range_and_no_more_than_max_mel_tokens(
    stages: Stages, prompts: list[Tensor], name: str
) -> None:
    sampling = replace(SAMPLINGS[name], max_mel_tokens=7)
    for codes in generate_all(stages, prompts, sampling):
        assert len(codes.ids) + codes.stopped <= 7
        assert codes.stopped or len(codes.ids) == 7
        assert all(0 <= code < 128 for code in codes.ids.tolist())


def test_the_longest_sequence_of_the_model_can_be_generated(
    stages: Stages, prompts: list[Tensor]
) -> None:
    sampling = CodeSampling(num_beams=1, max_mel_tokens=stages.generator.longest)
    (codes,) = generate(stages, prompts, (0,), sampling).values()
    assert len(codes.ids) <= stages.generator.longest


def test_latents_of_the_longest_sequence_can_be_computed(
    stages: Stages, prompts: list[Tensor]
) -> None:
    codes = torch.zeros(stages.generator.longest, dtype=torch.int64)
    with torch.inference_mode():
        assert stages.latents(prompts[0], codes).shape[1] == stages.generator.longest


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("count", [1, 10, 30])
def test_begin_returns_the_first_codes_of_the_result(
    stages: Stages, prompts: list[Tensor], name: str, count: int
) -> None:
    sampling, prefixes = replace(SAMPLINGS[name], max_mel_tokens=60), 0
    for index, prompt in enumerate(prompts):
        with torch.inference_mode():
            begun = stages.generator.begin(
                prompt, SegmentKey(index, 0), sampling=sampling, noise=noise(), count=count
            )
        expected = generate(stages, prompts, (index,), sampling)[index].ids.tolist()
        if isinstance(begun, Codes):
            assert begun.ids.tolist() == expected
            continue
        prefixes += 1
        assert len(begun) >= count
        assert begun.tolist() == expected[: len(begun)]
    assert prefixes


def test_begin_returns_all_codes_of_a_segment_that_ends_early(
    stages: Stages, prompts: list[Tensor]
) -> None:
    sampling = SAMPLINGS["beams"]
    with torch.inference_mode():
        begun = stages.generator.begin(
            prompts[0],
            SegmentKey(0, 0),
            sampling=sampling,
            noise=noise(),
            count=sampling.max_mel_tokens,
        )
    assert isinstance(begun, Codes)
    assert begun.ids.tolist() == generate(stages, prompts, (0,), sampling)[0].ids.tolist()
