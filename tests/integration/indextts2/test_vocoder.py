"""The vocoder in windows and batches against the package's, whole and one by one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from adapters.indextts2.vocoder.bigvgan import BigVgan, hop_of, reach_of
from adapters.indextts2.vocoder.windowed import BigVganVocoder
from adapters.indextts2.weights.meta_init import fold_weight_norm
from domain.audio import Samples
from tests.models.indextts2.upstream_networks import package_vocoder

LENGTHS = (1, 30, 97, 300, 301, 300)


def mels() -> list[Tensor]:
    chance = torch.Generator().manual_seed(2)
    return [torch.randn(1, 80, length, generator=chance) for length in LENGTHS]


def snr_db(expected: Samples, found: Samples) -> float:
    noise = float(np.square(expected - found).sum(dtype=np.float64))
    return float(10 * np.log10(np.square(expected).sum(dtype=np.float64) / max(noise, 1e-30)))


class Watched:
    """The synthesis of ``network``, which keeps the shapes of what it is given."""

    def __init__(self, network: Any) -> None:
        self._synthesis = BigVgan(network=network)
        self.given: list[tuple[int, ...]] = []

    def __call__(self, heard: Tensor) -> Tensor:
        self.given.append(tuple(heard.shape))
        return self._synthesis(heard)


def vocoder_of(
    network: Any, *, window: int = 128, at_once: int = 4, watched: Watched | None = None
) -> BigVganVocoder:
    return BigVganVocoder(
        network=network,
        synthesis=watched or BigVgan(network=network),
        first_window=40,
        window=window,
        windows_at_once=at_once,
    )


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
    vocoder = vocoder_of(network, window=window, at_once=at_once)
    with torch.inference_mode():
        spoken = vocoder.speak(mels())
    for expected, found, frames in zip(whole, spoken, LENGTHS, strict=True):
        assert found.dtype == np.float32
        assert found.shape == (256 * frames,)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert snr_db(expected, found) > 100


def test_pieces_one_after_the_other_are_the_whole(network: Any, whole: list[Samples]) -> None:
    vocoder = vocoder_of(network, window=100)
    with torch.inference_mode():
        spoken = [np.concatenate(list(vocoder.pieces(mel))) for mel in mels()]
    for expected, found in zip(whole, spoken, strict=True):
        assert found.dtype == np.float32
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert snr_db(expected, found) > 100


def test_pieces_are_the_very_same_in_any_company_and_every_time(network: Any) -> None:
    vocoder, asked = vocoder_of(network, window=100), mels()[-2:]
    with torch.inference_mode():
        alone = [list(vocoder.pieces(mel)) for mel in asked]
        in_turns = list(zip(*(vocoder.pieces(mel) for mel in asked), strict=False))
    for turn, pieces in enumerate(in_turns):
        for one, other in zip(alone, pieces, strict=True):
            np.testing.assert_array_equal(one[turn], other)


def test_a_piece_is_made_when_it_is_asked_for_and_the_first_is_short(network: Any) -> None:
    watched, reach = Watched(network), reach_of(network)
    pieces = vocoder_of(network, window=160, watched=watched).pieces(torch.zeros(1, 80, 1000))
    assert watched.given == []
    with torch.inference_mode():
        first = next(pieces)
        assert watched.given == [(1, 80, 40)]
        assert len(first) == 256 * (40 - reach)
        list(pieces)
    assert [frames for _, _, frames in watched.given[:4]] == [40, 80, 160, 160]
    assert max(frames for _, _, frames in watched.given) <= 160 + reach


def test_no_sample_feels_a_frame_beyond_the_reach(network: Any) -> None:
    reach, frames = reach_of(network), 200
    mel = torch.zeros(1, 80, frames)
    changed = mel.clone()
    changed[:, :, 100] = 3.0
    with torch.inference_mode():
        difference = (network(mel) - network(changed)).flatten().abs()
    felt = difference.nonzero().flatten() // hop_of(network)
    assert int(felt.min()) >= 100 - reach
    assert int(felt.max()) <= 100 + reach


def test_the_longest_window_bounds_what_the_network_is_given(network: Any) -> None:
    watched = Watched(network)
    vocoder = vocoder_of(network, window=100, at_once=2, watched=watched)
    with torch.inference_mode():
        vocoder.speak([torch.zeros(1, 80, 1000)])
    assert max(rows for rows, _, _ in watched.given) == 2
    assert {frames for _, _, frames in watched.given} == {max(100, 4 * reach_of(network))}


def test_half_precision_keeps_the_wave(checkpoint: Path, whole: list[Samples]) -> None:
    """What CUDA runs with USE_FP16, on the CPU."""
    network = package_vocoder(checkpoint)
    fold_weight_norm(network)
    vocoder = vocoder_of(network.to(torch.float16))
    with torch.inference_mode():
        spoken = vocoder.speak(mels())
    assert all(snr_db(one, other) > 40 for one, other in zip(whole, spoken, strict=True))


def test_the_packages_own_network_can_speak_instead(network: Any, whole: list[Samples]) -> None:
    """What CUDA runs with USE_CUDA_KERNEL, whose activations are the package's alone."""
    vocoder = BigVganVocoder(
        network=network, synthesis=network, first_window=40, window=100, windows_at_once=2
    )
    with torch.inference_mode():
        spoken = vocoder.speak(mels())
    assert all(snr_db(one, other) > 100 for one, other in zip(whole, spoken, strict=True))
