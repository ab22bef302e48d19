"""The velocity field against the package's estimator, alone and in company."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from adapters.indextts2.checkpoint_files import CheckpointFiles
from adapters.indextts2.engine.stages import Stages
from adapters.indextts2.noise import KeyedNoise, SegmentKey
from adapters.indextts2.s2m.mel_decoder import EulerMelDecoder, SemanticSegment
from adapters.indextts2.s2m.velocity import FlowInput, VelocityField
from adapters.indextts2.t2s.sampling import SamplingPlan
from adapters.indextts2.upstream import bare_package, import_model_classes
from adapters.indextts2.weights.meta_init import fold_weight_norm
from adapters.indextts2.weights.networks import build_networks
from domain.errors import ModelUnavailable
from tests.models.indextts2.speaking import LOW
from tests.models.indextts2.upstream_networks import upstream_flow

BANDS, STEPS = 80, 25
LENGTHS = {"equal": (40, 40), "unequal": (37, 120, 64, 5), "alone": (90,)}


@pytest.fixture(scope="module")
def estimator(checkpoint: Path) -> Any:
    return upstream_flow(checkpoint)


def folded(checkpoint: Path, dtype: torch.dtype = torch.float32) -> VelocityField:
    network = upstream_flow(checkpoint)
    fold_weight_norm(network)
    for parameter in network.parameters():
        parameter.data = parameter.data.to(dtype)
    return VelocityField(estimator=network)


@pytest.fixture(scope="module")
def velocity(checkpoint: Path) -> VelocityField:
    return folded(checkpoint)


def paintings(lengths: Sequence[int], *, heard: int) -> list[FlowInput]:
    chance = torch.Generator().manual_seed(3)
    mel, style = torch.randn(1, BANDS, heard, generator=chance), torch.randn(1, 192)
    return [
        FlowInput(mel, style, torch.randn(1, heard + length, 32, generator=chance))
        for length in lengths
    ]


def by_the_package(
    estimator: Any, painting: FlowInput, state: Tensor, time: Tensor, guidance: float
) -> Tensor:
    """The velocity (frames to paint, 80) as the package's solver has it."""
    row = painting.row
    prompt = torch.zeros(1, BANDS, row.frames)
    prompt[:, :, : row.heard] = painting.heard
    whole = torch.zeros(1, BANDS, row.frames)
    whole[0, :, row.heard :] = state.T
    frames = torch.tensor([row.frames])

    def slope(scale: float) -> Tensor:
        found: Tensor = estimator(
            whole,
            prompt * scale,
            frames,
            time[None],
            painting.style * scale,
            painting.content * scale,
        )
        return found[0, :, row.heard :].T

    return (1 + guidance) * slope(1.0) - guidance * slope(0.0)


def time_at(step: int) -> Tensor:
    times = torch.linspace(0, 1, STEPS + 1)
    time = times[0]
    for index in range(step):
        time = time + (times[index + 1] - times[index])
    return time


@pytest.mark.parametrize("heard", [3, 60])
@pytest.mark.parametrize("guidance", [0.0, 0.7])
@pytest.mark.parametrize("name", LENGTHS)
def test_every_row_moves_as_the_package_moves_it(
    estimator: Any, velocity: VelocityField, name: str, guidance: float, heard: int
) -> None:
    rows = paintings(LENGTHS[name], heard=heard)
    states = [torch.randn(length, BANDS) for length in LENGTHS[name]]
    schedule = velocity.schedule(STEPS)
    with torch.inference_mode():
        conditions = velocity.conditions(rows, guided=guidance > 0)
        for step in (0, 11, 24):
            together = velocity.at(torch.cat(states), conditions, schedule, step, guidance=guidance)
            moved = conditions.packing.rows_of(together)
            for painting, state, found in zip(rows, states, moved, strict=True):
                expected = by_the_package(estimator, painting, state, time_at(step), guidance)
                torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_bfloat16_weights_stay_within_their_steps(estimator: Any, checkpoint: Path) -> None:
    """What USE_FP16 leads to, on the CPU."""
    velocity = folded(checkpoint, torch.bfloat16)
    rows = paintings((40, 25), heard=20)
    states = [torch.randn(40, BANDS), torch.randn(25, BANDS)]
    with torch.inference_mode():
        conditions = velocity.conditions(rows, guided=True)
        found = velocity.at(
            torch.cat(states), conditions, velocity.schedule(STEPS), 7, guidance=0.7
        )
        expected = torch.cat(
            [
                by_the_package(estimator, painting, state, time_at(7), 0.7)
                for painting, state in zip(rows, states, strict=True)
            ]
        )
    assert found.dtype is torch.float32
    torch.testing.assert_close(found, expected, atol=1e-2, rtol=0)
    error = (found - expected).square().mean().sqrt() / expected.square().mean().sqrt()
    assert error < 1e-2


@pytest.mark.parametrize("frames_at_once", [1, 150, 1 << 14])
def test_segments_sound_the_same_in_any_company(
    stages: Stages, checkpoint: Path, velocity: VelocityField, frames_at_once: int
) -> None:
    with bare_package():
        networks = build_networks(
            CheckpointFiles(checkpoint),
            import_model_classes(),
            torch.device("cpu"),
            fused_vocoder=False,
        )
    decoder = EulerMelDecoder(
        velocity=velocity,
        length_regulator=networks.length_regulator,
        latent_projection=networks.latent_projection,
        semantic_codec=networks.semantic_codec,
        frames_at_once=frames_at_once,
    )
    chance = torch.Generator().manual_seed(4)
    segments = [
        SemanticSegment(
            SegmentKey(index, 0),
            torch.randint(128, (length,), generator=chance),
            torch.randn(1, length, 64, generator=chance),
        )
        for index, length in enumerate((20, 33, 7))
    ]
    plan, noise = SamplingPlan(diffusion_steps=6), KeyedNoise(1, device=torch.device("cpu"))
    with torch.inference_mode():
        voice = stages.listener.encode(LOW)
        batched = decoder.decode(segments, voice=voice, plan=plan, noise=noise)
        for segment, mel in zip(segments, batched, strict=True):
            (alone,) = decoder.decode([segment], voice=voice, plan=plan, noise=noise)
            assert mel.shape == (1, BANDS, int(len(segment.codes) * 1.72))
            torch.testing.assert_close(mel, alone, atol=1e-4, rtol=0)


def test_a_segment_goes_on_from_what_is_painted_already(stages: Stages) -> None:
    """Its beginning stays bit for bit, and its end moves as if the beginning had been heard."""
    segment = SemanticSegment(SegmentKey(0, 0), torch.arange(40), torch.randn(1, 40, 64))
    plan, noise = SamplingPlan(diffusion_steps=6), KeyedNoise(1, device=torch.device("cpu"))
    with torch.inference_mode():
        voice = stages.listener.encode(LOW)
        painted = torch.randn(1, BANDS, 25)
        begun = replace(segment, painted=painted)
        (mel,) = stages.mel_decoder.decode([begun], voice=voice, plan=plan, noise=noise)
        (anew,) = stages.mel_decoder.decode([segment], voice=voice, plan=plan, noise=noise)
        begun_otherwise = replace(segment, painted=painted + 1)
        (other,) = stages.mel_decoder.decode([begun_otherwise], voice=voice, plan=plan, noise=noise)
    assert mel.shape == anew.shape
    assert torch.equal(mel[:, :, :25], painted)
    assert not torch.allclose(mel[:, :, 25:], other[:, :, 25:], atol=1e-3)


def test_a_mel_decoder_of_another_structure_is_refused() -> None:
    other = SimpleNamespace(time_as_token=True)
    with pytest.raises(ModelUnavailable, match="time_as_token"):
        VelocityField(estimator=other)
