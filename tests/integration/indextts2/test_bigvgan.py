"""BigVGAN's forward pass and its activation, compared with upstream's modules."""

import copy
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from adapters.indextts2.upstream import bare_package, import_model_classes
from adapters.indextts2.vocoder.bigvgan import BigVgan, samples_per_frame
from adapters.indextts2.vocoder.snake import AntiAliasedSnake
from adapters.indextts2.weights.meta_init import fold_weight_norm
from domain.errors import ModelUnavailable
from tests.tiny_checkpoint.sizes import MIDDLE, TINY
from tests.tiny_checkpoint.values import drawn, tensors_of

FEW = {"upsample_initial_channel": 64, "upsample_rates": [2, 2], "upsample_kernel_sizes": [4, 4]}
"""Changes that make a network quick to run."""


def network_of(settings: Mapping[str, Any]) -> Any:
    """Return upstream's network with random weights, those of the snakes included."""
    with bare_package():
        classes = import_model_classes()
        network: Any = classes.vocoder(classes.vocoder_settings(dict(settings)))
    network.load_state_dict(tensors_of(network, "vocoder"))
    network.eval().requires_grad_(False)
    for name, parameter in network.named_parameters():
        if name.endswith(("alpha", "beta")):
            values = drawn(name, tuple(parameter.shape), 0.5)
            parameter.copy_(values if network.h.snake_logscale else values.exp())
    fold_weight_norm(network)
    return network


@pytest.fixture(scope="module")
def tiny() -> Any:
    return network_of(TINY.vocoder)


def mel_of(frames: int, rows: int = 1) -> Tensor:
    return torch.randn(rows, 80, frames, generator=torch.Generator().manual_seed(frames))


def snr_db(expected: Tensor, found: Tensor) -> float:
    noise = (expected.double() - found.double()).square().sum()
    return float(10 * torch.log10(expected.double().square().sum() / noise.clamp(min=1e-30)))


def assert_equal_to_rounding(network: Any, mel: Tensor) -> None:
    with torch.inference_mode():
        expected, found = network(mel), BigVgan(network=network)(mel)
    assert found.shape == expected.shape == (len(mel), 1, mel.shape[2] * samples_per_frame(network))
    assert found.dtype is expected.dtype is torch.float32
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert snr_db(expected, found) > 100


@pytest.mark.parametrize(("frames", "rows"), [(1, 1), (2, 1), (3, 3), (50, 2), (131, 1)])
def test_computes_the_wave_of_upstream(tiny: Any, frames: int, rows: int) -> None:
    assert_equal_to_rounding(tiny, mel_of(frames, rows))


@pytest.mark.parametrize("frames", [1, 3, 24])
def test_computes_the_wave_of_upstream_at_a_middle_size(frames: int) -> None:
    assert_equal_to_rounding(network_of(MIDDLE.vocoder), mel_of(frames))


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": "snake"},
        {"snake_logscale": False},
        {"activation": "snake", "snake_logscale": False},
        {"use_tanh_at_final": True},
        {"use_bias_at_final": True},
        {"resblock_kernel_sizes": [3, 5], "resblock_dilation_sizes": [[1, 3], [1, 2]]},
    ],
)
def test_follows_every_setting_of_the_configuration(changes: dict[str, Any]) -> None:
    assert_equal_to_rounding(network_of({**TINY.vocoder, **FEW, **changes}), mel_of(70))


def test_does_not_change_its_input(tiny: Any) -> None:
    mel = mel_of(20)
    original = mel.clone()
    with torch.inference_mode():
        BigVgan(network=tiny)(mel)
    assert torch.equal(mel, original)


def test_refuses_a_vocoder_of_another_structure() -> None:
    other = SimpleNamespace(h=SimpleNamespace(resblock="2"))
    with pytest.raises(ModelUnavailable, match="resblock"):
        BigVgan(network=other)


@pytest.mark.parametrize("length", [*range(1, 12), *range(30, 38), *range(62, 70), 500])
def test_computes_the_activation_of_upstream_at_every_end_of_a_block(
    tiny: Any, length: int
) -> None:
    activation = tiny.resblocks[0].activations[0]
    channels = activation.act.alpha.shape[0]
    samples = torch.randn(2, channels, length, generator=torch.Generator().manual_seed(length))
    with torch.inference_mode():
        expected, found = activation(samples), AntiAliasedSnake(activation)(samples)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert snr_db(expected, found) > 100


def test_computes_the_activation_of_upstream_for_many_samples(tiny: Any) -> None:
    activation = tiny.resblocks[0].activations[0]
    channels = activation.act.alpha.shape[0]
    samples = torch.randn(1, channels, 60_000, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected, found = activation(samples), AntiAliasedSnake(activation)(samples)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("loudness", [0.001, 0.03, 1.0, 8.0])
def test_half_precision_is_as_exact_as_that_of_upstream(tiny: Any, loudness: float) -> None:
    activation = tiny.resblocks[0].activations[0]
    half = copy.deepcopy(activation).half()
    generator = torch.Generator().manual_seed(3)
    samples = torch.randn(4, activation.act.alpha.shape[0], 400, generator=generator) * loudness
    with torch.inference_mode():
        expected = activation(samples)
        theirs, ours = half(samples.half()), AntiAliasedSnake(half)(samples.half())
    assert ours.dtype is torch.float16
    assert snr_db(expected, ours) > snr_db(expected, theirs) - 0.5
