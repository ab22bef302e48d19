"""Features and resampling, compared with the libraries that the networks were trained with."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from transformers import SeamlessM4TFeatureExtractor

from adapters.indextts2.reference.features import encoder_features, kaldi_bands
from adapters.indextts2.reference.resampling import resample, resample_by_sinc
from domain.audio import Samples, Waveform
from tests.tiny_checkpoint.voices import recording


@pytest.mark.parametrize("samples", [8000, 16000, 16080, 16160, 39999])
def test_features_are_those_of_the_speech_encoders_own_extractor(samples: int) -> None:
    voice = recording("voice", 150.0, seconds=samples / 16000, rate_hz=16000).waveform.samples
    extractor: Any = SeamlessM4TFeatureExtractor(padding_value=1)  # type: ignore[no-untyped-call]
    expected = extractor(voice, sampling_rate=16000, return_tensors="pt")
    features, mask = encoder_features(torch.from_numpy(voice))
    assert torch.equal(mask, expected["attention_mask"].long())
    np.testing.assert_allclose(features.numpy(), expected["input_features"].numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("rate", "expected"), [(16000, 22050), (22050, 22050), (44100, 22050), (48000, 22050)]
)
def test_resampling_keeps_the_duration(rate: int, expected: int) -> None:
    second = Waveform(np.zeros(rate, np.float32), rate)
    assert len(resample(second, 22050)) == expected
    assert len(resample_by_sinc(np.zeros(22050, np.float32), 22050, 16000)) == 16000


def test_resamplers_keep_a_low_tone_and_drop_one_above_the_new_nyquist_frequency() -> None:
    time = np.arange(22050) / 22050
    low = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    high = np.sin(2 * np.pi * 10500 * time).astype(np.float32)
    converters: list[Callable[[Samples], Samples]] = [
        lambda samples: resample_by_sinc(samples, 22050, 16000),
        lambda samples: resample(Waveform(samples, 22050), 16000),
    ]
    for convert in converters:
        middle = slice(1000, 15000)
        expected = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
        np.testing.assert_allclose(convert(low)[middle], expected[middle], atol=5e-3)
        assert np.abs(convert(high)[middle]).max() < 0.05


def test_silence_gives_the_smallest_energy_and_finite_features() -> None:
    bands = kaldi_bands(torch.zeros(1600))
    assert torch.allclose(bands, torch.tensor(2.0**-23).log())
    features, _ = encoder_features(torch.zeros(1600))
    assert torch.isfinite(features).all()
