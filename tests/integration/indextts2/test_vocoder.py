"""The vocoder in windows and batches against the package's, whole and one by one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adapters.indextts2.construction import fold_weight_norm
from adapters.indextts2.vocoder import BigVganVocoder, reach_of
from domain.audio import Samples
from tests.integration.indextts2.package_networks import package_vocoder

LENGTHS = (1, 30, 97, 300, 301, 300)


def mels() -> list[torch.Tensor]:
    chance = torch.Generator().manual_seed(2)
    return [torch.randn(1, 80, length, generator=chance) for length in LENGTHS]


def snr_db(expected: Samples, found: Samples) -> float:
    noise = float(np.square(expected - found).sum(dtype=np.float64))
    return float(10 * np.log10(np.square(expected).sum(dtype=np.float64) / max(noise, 1e-30)))


@pytest.fixture(scope="module")
def whole(checkpoint: Path) -> list[Samples]:
    network = package_vocoder(checkpoint)
    with torch.inference_mode():
        return [network(mel).flatten().numpy() for mel in mels()]


@pytest.fixture(scope="module")
def network(checkpoint: Path) -> Any:
    vocoder = package_vocoder(checkpoint)
    fold_weight_norm(vocoder)
    return vocoder


@pytest.mark.parametrize(("window", "at_once"), [(100, 4), (128, 1), (10_000, 4)])
def test_windows_sound_like_one_pass_over_the_whole(
    network: Any, whole: list[Samples], window: int, at_once: int
) -> None:
    vocoder = BigVganVocoder(network=network, window=window, windows_at_once=at_once)
    with torch.inference_mode():
        spoken = vocoder.speak(mels())
    for expected, found, frames in zip(whole, spoken, LENGTHS, strict=True):
        assert found.dtype == np.float32
        assert found.shape == (256 * frames,)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert snr_db(expected, found) > 60


def test_no_sample_feels_a_frame_beyond_the_reach(network: Any) -> None:
    reach, frames = reach_of(network), 200
    mel = torch.zeros(1, 80, frames)
    changed = mel.clone()
    changed[:, :, 100] = 3.0
    with torch.inference_mode():
        difference = (network(mel) - network(changed)).flatten().abs()
    felt = difference.nonzero().flatten() // 256
    assert int(felt.min()) >= 100 - reach
    assert int(felt.max()) <= 100 + reach


def test_the_longest_window_bounds_what_the_network_is_given(network: Any) -> None:
    given: list[tuple[int, ...]] = []

    class Watched:
        def __getattr__(self, name: str) -> Any:
            return getattr(network, name)

        def __call__(self, mel: torch.Tensor) -> Any:
            given.append(tuple(mel.shape))
            return network(mel)

    vocoder = BigVganVocoder(network=Watched(), window=100, windows_at_once=2)
    with torch.inference_mode():
        vocoder.speak([torch.zeros(1, 80, 1000)])
    assert max(rows for rows, _, _ in given) == 2
    assert {frames for _, _, frames in given} == {max(100, 4 * reach_of(network))}


def test_half_precision_keeps_the_wave(checkpoint: Path, whole: list[Samples]) -> None:
    """What CUDA runs with USE_FP16, on the CPU."""
    network = package_vocoder(checkpoint)
    fold_weight_norm(network)
    vocoder = BigVganVocoder(network=network.to(torch.float16), window=128, windows_at_once=4)
    with torch.inference_mode():
        spoken = vocoder.speak(mels())
    assert all(snr_db(one, other) > 40 for one, other in zip(whole, spoken, strict=True))
