"""The velocity field, compared with upstream's estimator, and the mel decoder in batches."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from munch import munchify
from torch import Tensor

from adapters.indextts2.checkpoint_files import CheckpointFiles
from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.noise import KeyedNoise, SegmentKey
from adapters.indextts2.s2m.mel_decoder import EulerMelDecoder, SemanticSegment
from adapters.indextts2.s2m.options import FlowOptions
from adapters.indextts2.s2m.velocity import FlowInput, VelocityField
from adapters.indextts2.upstream import bare_package, import_model_classes
from adapters.indextts2.weights.meta_init import fold_weight_norm
from adapters.indextts2.weights.networks import build_networks
from domain.errors import ModelUnavailable
from tests.models.indextts2.speaking import LOW
from tests.models.indextts2.upstream_networks import upstream_flow
from tests.tiny_checkpoint.sizes import FULL, TINY, Sizes

BANDS, STEPS = 80, 25
LENGTHS = {"equal": (40, 40), "unequal": (37, 120, 64, 5), "alone": (90,)}


@pytest.fixture(scope="module")
def estimator(checkpoint: Path) -> Any:
    return upstream_flow(checkpoint)


def velocity_of(checkpoint: Path, dtype: torch.dtype = torch.float32) -> VelocityField:
    network = upstream_flow(checkpoint)
    fold_weight_norm(network)
    for parameter in network.parameters():
        parameter.data = parameter.data.to(dtype)
    return VelocityField(estimator=network)


@pytest.fixture(scope="module")
def velocity(checkpoint: Path) -> VelocityField:
    return velocity_of(checkpoint)


def inputs_of(target_lengths: Sequence[int], *, prompt_frames: int) -> list[FlowInput]:
    generator = torch.Generator().manual_seed(3)
    mel = torch.randn(1, BANDS, prompt_frames, generator=generator)
    style = torch.randn(1, 192)
    return [
        FlowInput(mel, style, torch.randn(1, prompt_frames + length, 32, generator=generator))
        for length in target_lengths
    ]


def upstream_velocity(
    estimator: Any, flow_input: FlowInput, state: Tensor, time: Tensor, guidance: float
) -> Tensor:
    """Return the velocity (target, 80) of ``state`` (target, 80) as upstream's solver computes it.

    ``time`` is a scalar tensor.
    """
    row = flow_input.row
    prompt = torch.zeros(1, BANDS, row.frames)
    prompt[:, :, : row.prompt_frames] = flow_input.prompt_mel
    padded_state = torch.zeros(1, BANDS, row.frames)
    padded_state[0, :, row.prompt_frames :] = state.T
    frames = torch.tensor([row.frames])

    def velocity(scale: float) -> Tensor:
        found: Tensor = estimator(
            padded_state,
            prompt * scale,
            frames,
            time[None],
            flow_input.style * scale,
            flow_input.content * scale,
        )
        return found[0, :, row.prompt_frames :].T

    return (1 + guidance) * velocity(1.0) - guidance * velocity(0.0)


def time_at(step: int) -> Tensor:
    times = torch.linspace(0, 1, STEPS + 1)
    time = times[0]
    for index in range(step):
        time = time + (times[index + 1] - times[index])
    return time


@pytest.mark.parametrize("prompt_frames", [3, 60])
@pytest.mark.parametrize("guidance", [0.0, 0.7])
@pytest.mark.parametrize("name", LENGTHS)
def test_computes_the_velocity_of_upstream_in_every_row(
    estimator: Any, velocity: VelocityField, name: str, guidance: float, prompt_frames: int
) -> None:
    inputs = inputs_of(LENGTHS[name], prompt_frames=prompt_frames)
    states = [torch.randn(length, BANDS) for length in LENGTHS[name]]
    timesteps = velocity.timesteps(STEPS)
    with torch.inference_mode():
        conditions = velocity.conditions(inputs, guided=guidance > 0)
        for step in (0, 11, 24):
            packed = velocity.evaluate(
                torch.cat(states), conditions, timesteps, step, guidance=guidance
            )
            rows = conditions.packing.split_targets(packed)
            for flow_input, state, found in zip(inputs, states, rows, strict=True):
                expected = upstream_velocity(estimator, flow_input, state, time_at(step), guidance)
                torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_bfloat16_weights_stay_within_one_percent_of_float32(
    estimator: Any, checkpoint: Path
) -> None:
    """What USE_FP16 leads to, on the CPU."""
    velocity = velocity_of(checkpoint, torch.bfloat16)
    inputs = inputs_of((40, 25), prompt_frames=20)
    states = [torch.randn(40, BANDS), torch.randn(25, BANDS)]
    with torch.inference_mode():
        conditions = velocity.conditions(inputs, guided=True)
        found = velocity.evaluate(
            torch.cat(states), conditions, velocity.timesteps(STEPS), 7, guidance=0.7
        )
        expected = torch.cat(
            [
                upstream_velocity(estimator, flow_input, state, time_at(7), 0.7)
                for flow_input, state in zip(inputs, states, strict=True)
            ]
        )
    assert found.dtype is torch.float32
    torch.testing.assert_close(found, expected, atol=1e-2, rtol=0)
    error = (found - expected).square().mean().sqrt() / expected.square().mean().sqrt()
    assert error < 1e-2


@pytest.mark.parametrize("frames_at_once", [1, 150, 1 << 14])
def test_a_batch_changes_a_mel_by_rounding_only(
    engine: Engine, checkpoint: Path, velocity: VelocityField, frames_at_once: int
) -> None:
    with bare_package():
        networks: Any = build_networks(
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
    generator = torch.Generator().manual_seed(4)
    segments = [
        SemanticSegment(
            SegmentKey(index, 0),
            torch.randint(128, (length,), generator=generator),
            torch.randn(1, length, 64, generator=generator),
        )
        for index, length in enumerate((20, 33, 7))
    ]
    options, noise = FlowOptions(diffusion_steps=6), KeyedNoise(1, device=torch.device("cpu"))
    with torch.inference_mode():
        reference = engine.frontend.encoder.encode(LOW)
        batched = decoder.decode(segments, reference=reference, options=options, noise=noise)
        for segment, mel in zip(segments, batched, strict=True):
            (alone,) = decoder.decode([segment], reference=reference, options=options, noise=noise)
            assert mel.shape == (1, BANDS, int(len(segment.codes) * 1.72))
            torch.testing.assert_close(mel, alone, atol=1e-4, rtol=0)


def test_a_segment_continues_the_mel_that_is_generated_already(engine: Engine) -> None:
    """Its beginning stays bit for bit, and its end depends on the beginning."""
    segment = SemanticSegment(SegmentKey(0, 0), torch.arange(40), torch.randn(1, 40, 64))
    options, noise = FlowOptions(diffusion_steps=6), KeyedNoise(1, device=torch.device("cpu"))
    with torch.inference_mode():
        reference = engine.frontend.encoder.encode(LOW)
        generated = torch.randn(1, BANDS, 25)
        begun = replace(segment, generated_mel=generated)
        (mel,) = engine.synthesizer.mel_decoder.decode(
            [begun], reference=reference, options=options, noise=noise
        )
        (anew,) = engine.synthesizer.mel_decoder.decode(
            [segment], reference=reference, options=options, noise=noise
        )
        begun_otherwise = replace(segment, generated_mel=generated + 1)
        (other,) = engine.synthesizer.mel_decoder.decode(
            [begun_otherwise], reference=reference, options=options, noise=noise
        )
    assert mel.shape == anew.shape
    assert torch.equal(mel[:, :, :25], generated)
    assert not torch.allclose(mel[:, :, 25:], other[:, :, 25:], atol=1e-3)


@pytest.mark.parametrize(("sizes", "frames"), [(TINY, 8), (FULL, 20)])
def test_the_lookahead_is_counted_from_the_convolutions(sizes: Sizes, frames: int) -> None:
    with bare_package(), torch.device("meta"):
        classes = import_model_classes()
        parts: Any = classes.mel_decoder(munchify(sizes.model["s2mel"]), use_gpt_latent=True).models
    fold_weight_norm(parts["cfm"])
    decoder = EulerMelDecoder(
        velocity=VelocityField(estimator=parts["cfm"].estimator),
        length_regulator=parts["length_regulator"],
        latent_projection=parts["gpt_layer"],
        semantic_codec=SimpleNamespace(quantizer=None),
        frames_at_once=1,
    )
    assert decoder.lookahead_frames == frames


def test_refuses_a_mel_decoder_of_another_structure() -> None:
    other: Any = SimpleNamespace(time_as_token=True)
    with pytest.raises(ModelUnavailable, match="time_as_token"):
        VelocityField(estimator=other)
