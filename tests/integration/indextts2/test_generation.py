"""Codes do not depend on company: alone, in any batch, in any row, beside rows that stop."""

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
def prompts(stages: Stages) -> list[Tensor]:
    return prompts_of(stages, TEXTS)


def generated(
    stages: Stages, prompts: Sequence[Tensor], order: Sequence[int], sampling: CodeSampling
) -> dict[int, Codes]:
    noise = KeyedNoise(11, device=torch.device("cpu"))
    with torch.inference_mode():
        answers = stages.generator.generate(
            [prompts[index] for index in order],
            [SegmentKey(index, 0) for index in order],
            sampling=sampling,
            noise=noise,
        )
    return dict(zip(order, answers, strict=True))


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0), (1, 3, 0)])
def test_codes_are_the_same_alone_and_in_any_batch(
    stages: Stages, prompts: list[Tensor], name: str, order: tuple[int, ...]
) -> None:
    together = generated(stages, prompts, order, SAMPLINGS[name])
    for index in order:
        alone = generated(stages, prompts, (index,), SAMPLINGS[name])[index]
        assert together[index].ids.tolist() == alone.ids.tolist()
        assert together[index].stopped == alone.stopped


@pytest.mark.parametrize("name", SAMPLINGS)
def test_neither_when_the_device_is_asked_nor_room_in_the_cache_changes_a_code(
    stages: Stages, prompts: list[Tensor], name: str
) -> None:
    sampling = replace(SAMPLINGS[name], max_mel_tokens=150)
    expected = [(codes.ids.tolist(), codes.stopped) for codes in _all(stages, prompts, sampling)]
    for poll_every, reserve_steps in ((1, 32), (7, 32), (8, 1), (8, 500)):
        generator = replace(_looping(stages), poll_every=poll_every, reserve_steps=reserve_steps)
        changed = replace(stages, generator=generator)
        answers = _all(changed, prompts, sampling)
        assert [(codes.ids.tolist(), codes.stopped) for codes in answers] == expected


@pytest.mark.parametrize("name", SAMPLINGS)
def test_padding_that_is_not_a_number_changes_nothing(
    stages: Stages, prompts: list[Tensor], name: str
) -> None:
    batch = batch_prompts(prompts)
    empty = torch.arange(batch.embeddings.shape[1])[None] < batch.padding[:, None]
    spoiled = replace(batch, embeddings=batch.embeddings.masked_fill(empty[:, :, None], torch.nan))
    with torch.inference_mode():
        answers = _looping(stages).decode(
            spoiled,
            [SegmentKey(index, 0) for index in range(len(prompts))],
            sampling=SAMPLINGS[name],
            noise=KeyedNoise(11, device=torch.device("cpu")),
        )
    expected = _all(stages, prompts, SAMPLINGS[name])
    assert empty.any()
    assert [each.ids.tolist() for each in answers] == [each.ids.tolist() for each in expected]


def test_some_rows_stop_before_others(stages: Stages, prompts: list[Tensor]) -> None:
    """Without this the test above would say less than it seems to."""
    lengths = {len(codes.ids) for codes in _all(stages, prompts, SAMPLINGS["beams"])}
    assert len(lengths) > 1


@pytest.mark.parametrize("name", SAMPLINGS)
def test_codes_are_codes_and_never_too_many(
    stages: Stages, prompts: list[Tensor], name: str
) -> None:
    sampling = replace(SAMPLINGS[name], max_mel_tokens=7)
    for codes in _all(stages, prompts, sampling):
        assert len(codes.ids) + codes.stopped <= 7
        assert codes.stopped or len(codes.ids) == 7
        assert all(0 <= code < 128 for code in codes.ids.tolist())


def test_the_longest_sequence_that_the_model_takes_can_be_generated(
    stages: Stages, prompts: list[Tensor]
) -> None:
    sampling = CodeSampling(num_beams=1, max_mel_tokens=stages.generator.longest)
    (codes,) = generated(stages, prompts, (0,), sampling).values()
    assert len(codes.ids) <= stages.generator.longest


def test_latents_of_the_longest_sequence_can_be_read(stages: Stages, prompts: list[Tensor]) -> None:
    codes = torch.zeros(stages.generator.longest, dtype=torch.int64)
    with torch.inference_mode():
        assert stages.latents(prompts[0], codes).shape[1] == stages.generator.longest


def _all(stages: Stages, prompts: Sequence[Tensor], sampling: CodeSampling) -> list[Codes]:
    return list(generated(stages, prompts, range(len(prompts)), sampling).values())


def _looping(stages: Stages) -> StepwiseGenerator:
    assert isinstance(stages.generator, StepwiseGenerator)
    return stages.generator


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("count", [1, 10, 30])
def test_codes_that_are_called_certain_are_said_in_the_end(
    stages: Stages, prompts: list[Tensor], name: str, count: int
) -> None:
    sampling, begun_at_all = replace(SAMPLINGS[name], max_mel_tokens=60), 0
    for index, prompt in enumerate(prompts):
        noise, key = KeyedNoise(11, device=torch.device("cpu")), SegmentKey(index, 0)
        with torch.inference_mode():
            begun = stages.generator.begin(prompt, key, sampling=sampling, noise=noise, count=count)
        whole = generated(stages, prompts, (index,), sampling)[index].ids.tolist()
        if isinstance(begun, Codes):
            assert begun.ids.tolist() == whole
            continue
        begun_at_all += 1
        assert len(begun) >= count
        assert begun.tolist() == whole[: len(begun)]
    assert begun_at_all


def test_what_is_finished_before_enough_is_certain_is_all_there(
    stages: Stages, prompts: list[Tensor]
) -> None:
    noise, sampling = KeyedNoise(11, device=torch.device("cpu")), SAMPLINGS["beams"]
    with torch.inference_mode():
        begun = stages.generator.begin(
            prompts[0],
            SegmentKey(0, 0),
            sampling=sampling,
            noise=noise,
            count=sampling.max_mel_tokens,
        )
    assert isinstance(begun, Codes)
    assert begun.ids.tolist() == generated(stages, prompts, (0,), sampling)[0].ids.tolist()
