"""The engine against the package's own class: same weights, same chance, same codes."""

import hashlib
import json
import os
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adapters.indextts2.checkpoint_files import CheckpointFiles
from adapters.indextts2.engine.assembly import neural_reference_encoder
from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.reference.encoder import emotion_audio, speaker_audio
from adapters.indextts2.upstream import bare_package, import_model_classes
from adapters.indextts2.weights.networks import build_networks
from domain.audio import Waveform
from domain.voice import Recording
from tests.models.indextts2.golden_runs import golden_engine, in_steps, run_case, with_stop
from tests.tiny_checkpoint.voices import recording

HERE = Path(__file__).parent / "golden"
CASES: dict[str, Any] = json.loads((HERE / "cases.json").read_text())
VOICES = {"low": recording("low", 110.0), "high": recording("high", 220.0, rate_hz=44100)}
FOREIGN = os.environ.get("INDEXTTS_GOLDEN_DIR", "")
STOP = 129


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


def test_hears_what_the_package_hears(checkpoint: Path) -> None:
    golden = np.load(HERE / "copied.npz")
    _compare_hearing(checkpoint, golden, VOICES["low"], VOICES["high"])


def _compare_hearing(checkpoint: Path, golden: Any, voice: Recording, emotion: Recording) -> None:
    with bare_package(), torch.inference_mode():
        networks = build_networks(
            CheckpointFiles(checkpoint),
            import_model_classes(),
            torch.device("cpu"),
            fused_vocoder=False,
        )
        encoder = neural_reference_encoder(networks, torch.device("cpu"))
        reference = encoder.encode(voice)
        _, narrow = speaker_audio(voice.waveform)
        heard = {
            "speaker_features": encoder.semantic_features(narrow),
            "emotion_features": encoder.semantic_features(emotion_audio(emotion.waveform)),
            "style": reference.style,
            "prompt": reference.prompt,
            "mel": reference.mel,
        }
    for name, tensor in heard.items():
        np.testing.assert_allclose(tensor.numpy(), golden[name], atol=1e-4, err_msg=name)


foreign_only = pytest.mark.skipif(not FOREIGN, reason="INDEXTTS_GOLDEN_DIR is not set")
FOREIGN_CASES = ("greedy", "sample", "beam3", "multi_seg", "emo_vec", "emo_audio")


@pytest.fixture(scope="module")
def foreign_engine() -> Engine:
    return golden_engine(_foreign_model())


@foreign_only
@pytest.mark.parametrize("name", FOREIGN_CASES)
def test_speaks_the_cases_of_another_folder(name: str, foreign_engine: Engine) -> None:
    """Against golden outputs that were made elsewhere, on their own checkpoint."""
    folder = Path(FOREIGN)
    case = json.loads((folder / f"{name}.json").read_text())
    case["voice"] = case["reference"]
    voices = {file.name: _read_wav(file) for file in folder.glob("*.wav")}
    golden = np.load(folder / f"{name}.npz")
    run = run_case(foreign_engine, case, voices)
    assert len(run.codes) == sum(key.startswith("codes_") for key in golden)
    for index, codes in enumerate(run.codes):
        assert with_stop(codes, STOP) == golden[f"codes_{index}"].tolist()
        expected = in_steps(golden[f"wave_{index}"])
        np.testing.assert_allclose(in_steps(run.waves[index]), expected, atol=2)


@foreign_only
def test_hears_the_recordings_of_another_folder() -> None:
    names = {"spk": "speaker_features", "emo": "emotion_features", "ref_mel": "mel"}
    folder = Path(FOREIGN)
    saved = np.load(folder / "emo_audio.npz")
    golden = {names.get(name, name): saved[name] for name in saved}
    voice, emotion = _read_wav(folder / "ref_a.wav"), _read_wav(folder / "ref_b.wav")
    _compare_hearing(_foreign_model(), golden, voice, emotion)


def _foreign_model() -> Path:
    """Where the checkpoint was unpacked: ``model`` in the folder, its hub cache beside it."""
    return Path(FOREIGN) / "model"


def _read_wav(path: Path) -> Recording:
    with wave.open(str(path)) as file:
        rate, frames = file.getframerate(), file.readframes(file.getnframes())
    samples = np.frombuffer(frames, np.int16).astype(np.float32) / np.float32(32768)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Recording(path.stem, path.name, digest, Waveform(samples, rate))
