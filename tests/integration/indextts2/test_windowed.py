"""The vocoder in windows and batches, compared with one pass of upstream's network."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from adapters.indextts2.vocoder.bigvgan import BigVgan, receptive_field, samples_per_frame
from adapters.indextts2.vocoder.windowed import BigVganVocoder
from adapters.indextts2.weights.meta_init import fold_weight_norm
from domain.audio import Samples
from tests.models.indextts2.upstream_networks import upstream_vocoder

LENGTHS = (1, 30, 97, 300, 301, 300)


def mels() -> list[Tensor]:
    generator = torch.Generator().manual_seed(2)
    return [torch.randn(1, 80, length, generator=generator) for length in LENGTHS]


def snr_db(expected: Samples, found: Samples) -> float:
    noise = float(np.square(expected - found).sum(dtype=np.float64))
    return float(10 * np.log10(np.square(expected).sum(dtype=np.float64) / max(noise, 1e-30)))


class WatchedBigVgan:
    """BigVGAN over ``network``, which keeps the shapes of its inputs."""

    def __init__(self, network: Any) -> None:
        self._synthesis = BigVgan(network=network)
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, mels: Tensor) -> Tensor:
        self.shapes.append(tuple(mels.shape))
        return self._synthesis(mels)


def vocoder_of(
    network: Any, *, window: int = 128, at_once: int = 4, watched: WatchedBigVgan | None = None
) -> BigVganVocoder:
    return BigVganVocoder(
        network=network,
        synthesis=watched or BigVgan(network=network),
        first_window=40,
        window=window,
        windows_at_once=at_once,
    )


@pytest.fixture(scope="module")
def one_pass(checkpoint: Path) -> list[Samples]:
    network = upstream_vocoder(checkpoint)
    with torch.inference_mode():
        return [network(mel).flatten().numpy() for mel in mels()]


@pytest.fixture(scope="module")
def network(checkpoint: Path) -> Any:
    vocoder = upstream_vocoder(checkpoint)
    fold_weight_norm(vocoder)
    return vocoder


@pytest.mark.parametrize(("window", "at_once"), [(100, 4), (128, 1), (10_000, 4)])
def test_windows_give_the_samples_of_one_pass(
    network: Any, one_pass: list[Samples], window: int, at_once: int
) -> None:
    vocoder = vocoder_of(network, window=window, at_once=at_once)
    with torch.inference_mode():
        waves = vocoder.synthesize(mels())
    for expected, found, frames in zip(one_pass, waves, LENGTHS, strict=True):
        assert found.dtype == np.float32
        assert found.shape == (256 * frames,)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert snr_db(expected, found) > 100


def test_joined_pieces_are_the_samples_of_one_pass(network: Any, one_pass: list[Samples]) -> None:
    vocoder = vocoder_of(network, window=100)
    with torch.inference_mode():
        waves = [np.concatenate(list(vocoder.pieces(mel))) for mel in mels()]
    for expected, found in zip(one_pass, waves, strict=True):
        assert found.dtype == np.float32
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert snr_db(expected, found) > 100


def test_pieces_are_bit_for_bit_the_same_alone_and_interleaved(network: Any) -> None:
    vocoder, two_mels = vocoder_of(network, window=100), mels()[-2:]
    with torch.inference_mode():
        alone = [list(vocoder.pieces(mel)) for mel in two_mels]
        interleaved = list(zip(*(vocoder.pieces(mel) for mel in two_mels), strict=False))
    for index, pieces in enumerate(interleaved):
        for expected, found in zip(alone, pieces, strict=True):
            np.testing.assert_array_equal(expected[index], found)


def test_pieces_are_made_lazily_and_the_first_is_short(network: Any) -> None:
    watched, field = WatchedBigVgan(network), receptive_field(network)
    pieces = vocoder_of(network, window=160, watched=watched).pieces(torch.zeros(1, 80, 1000))
    assert watched.shapes == []
    with torch.inference_mode():
        first = next(pieces)
        assert watched.shapes == [(1, 80, 40)]
        assert len(first) == 256 * (40 - field)
        list(pieces)
    assert [frames for _, _, frames in watched.shapes[:4]] == [40, 80, 160, 160]
    assert max(frames for _, _, frames in watched.shapes) <= 160 + field


def test_no_sample_depends_on_a_frame_beyond_the_receptive_field(network: Any) -> None:
    field, frames = receptive_field(network), 200
    mel = torch.zeros(1, 80, frames)
    changed = mel.clone()
    changed[:, :, 100] = 3.0
    with torch.inference_mode():
        difference = (network(mel) - network(changed)).flatten().abs()
    affected = difference.nonzero().flatten() // samples_per_frame(network)
    assert int(affected.min()) >= 100 - field
    assert int(affected.max()) <= 100 + field


def test_the_longest_window_bounds_the_input_of_the_network(network: Any) -> None:
    watched = WatchedBigVgan(network)
    vocoder = vocoder_of(network, window=100, at_once=2, watched=watched)
    with torch.inference_mode():
        vocoder.synthesize([torch.zeros(1, 80, 1000)])
    assert max(rows for rows, _, _ in watched.shapes) == 2
    assert {frames for _, _, frames in watched.shapes} == {max(100, 4 * receptive_field(network))}


def test_half_precision_stays_within_40_db_of_the_wave(
    checkpoint: Path, one_pass: list[Samples]
) -> None:
    """What CUDA runs with USE_FP16, on the CPU."""
    network = upstream_vocoder(checkpoint)
    fold_weight_norm(network)
    vocoder = vocoder_of(network.to(torch.float16))
    with torch.inference_mode():
        waves = vocoder.synthesize(mels())
    assert all(snr_db(one, other) > 40 for one, other in zip(one_pass, waves, strict=True))


def test_can_use_the_forward_pass_of_upstream(network: Any, one_pass: list[Samples]) -> None:
    """What CUDA runs with USE_CUDA_KERNEL, whose activations are upstream's own."""
    vocoder = BigVganVocoder(
        network=network, synthesis=network, first_window=40, window=100, windows_at_once=2
    )
    with torch.inference_mode():
        waves = vocoder.synthesize(mels())
    assert all(snr_db(one, other) > 100 for one, other in zip(one_pass, waves, strict=True))
