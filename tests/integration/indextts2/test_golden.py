"""The engine against the package's own class: same weights, same random numbers, same codes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.reference.features import MelSettings, mel_spectrogram
from adapters.indextts2.reference.resampling import resample
from adapters.indextts2.sample_rates import MODEL_RATE_HZ
from tests.models.indextts2.golden_runs import (
    assert_same_reference,
    in_steps,
    run_case,
    with_stop,
)
from tests.models.indextts2.mels import assert_same_mel
from tests.tiny_checkpoint.voices import recording

HERE = Path(__file__).parent / "golden"
CASES: dict[str, Any] = json.loads((HERE / "cases.json").read_text())
VOICES = {"low": recording("low", 110.0), "high": recording("high", 220.0, rate_hz=44100)}
STOP = 129
MEL = MelSettings(
    rate_hz=MODEL_RATE_HZ,
    fft_samples=1024,
    window_samples=1024,
    hop_samples=256,
    bands=80,
    lowest_hz=0.0,
    highest_hz=11025.0,
)


@pytest.mark.parametrize("name", CASES)
def test_speaks_what_the_package_speaks(name: str, engine: Engine) -> None:
    golden = np.load(HERE / f"{name}.npz")
    run = run_case(engine, CASES[name], VOICES)
    assert len(run.codes) == sum(key.startswith("codes_") for key in golden)
    for index, codes in enumerate(run.codes):
        assert with_stop(codes, STOP) == golden[f"codes_{index}"].tolist()
        latents = run.latents[index].numpy()
        np.testing.assert_allclose(latents, golden[f"latents_{index}"], atol=1e-4)
        np.testing.assert_allclose(in_steps(run.waves[index]), golden[f"wave_{index}"], atol=2)


def test_computes_the_reference_features_of_the_package(checkpoint: Path) -> None:
    golden = dict(np.load(HERE / "copied.npz"))
    assert_same_reference(checkpoint, golden, voice=VOICES["low"], emotion=VOICES["high"])


@pytest.mark.parametrize(
    "wrong",
    [{"window_samples": 1000}, {"lowest_hz": 20.0}, {"highest_hz": 8000.0}, {"rate_hz": 22000}],
    ids=str,
)
def test_the_comparison_refuses_a_mel_of_another_kind(wrong: dict[str, Any]) -> None:
    """The same measure must tell a mel that is really wrong from one that is rounded otherwise."""
    golden = np.load(HERE / "copied.npz")["mel"]
    samples = torch.from_numpy(resample(VOICES["low"].waveform, MODEL_RATE_HZ))
    assert_same_mel(mel_spectrogram(samples, MEL).numpy(), golden)
    with pytest.raises(AssertionError, match="of the bands differ"):
        assert_same_mel(mel_spectrogram(samples, replace(MEL, **wrong)).numpy(), golden)
