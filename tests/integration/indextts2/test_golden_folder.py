"""The engine against golden outputs of another folder, which ``INDEXTTS_GOLDEN_DIR`` names.

The folder holds the cases (``NAME.json`` with its ``NAME.npz``), their recordings, and the unpacked
checkpoint: ``model/`` and ``hub/``. Where a case has codes of two beam searches, those of
transformers 5 (``codes_tf5_0``, ...) are compared, and its audio is not.
"""

import hashlib
import json
import os
import re
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.indextts2.engine.engine import Engine
from domain.audio import Waveform
from domain.voice import Recording
from tests.models.indextts2.golden_runs import (
    assert_same_reference,
    golden_engine,
    in_steps,
    run_case,
    stop_code,
    with_stop,
)

FOLDER = Path(os.environ.get("INDEXTTS_GOLDEN_DIR", ""))
IS_SET = bool(os.environ.get("INDEXTTS_GOLDEN_DIR"))
NAMES = {"spk": "speaker_features", "emo": "emotion_features", "ref_mel": "mel"}

pytestmark = pytest.mark.skipif(not IS_SET, reason="INDEXTTS_GOLDEN_DIR is not set")


def cases(folder: Path) -> list[str]:
    """Return the names of all cases but those with emotion from words: another model reads them."""
    return [
        path.stem
        for path in sorted(folder.glob("*.json"))
        if path.with_suffix(".npz").is_file()
        and not json.loads(path.read_text())["arguments"].get("use_emo_text")
    ]


def with_features(folder: Path) -> list[str]:
    return [name for name in cases(folder) if "spk" in np.load(folder / f"{name}.npz")]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return golden_engine(FOLDER / "model")


@pytest.fixture(scope="module")
def recordings() -> dict[str, Recording]:
    return {path.name: read_wav(path) for path in FOLDER.glob("*.wav")}


@pytest.mark.parametrize("name", cases(FOLDER) if IS_SET else [])
def test_speaks_each_case_of_the_golden_folder(
    name: str, engine: Engine, recordings: dict[str, Recording]
) -> None:
    case = json.loads((FOLDER / f"{name}.json").read_text())
    golden = np.load(FOLDER / f"{name}.npz")
    prefix = "codes_tf5_" if "codes_tf5_0" in golden else "codes_"
    run = run_case(engine, {**case, "voice": case["reference"]}, recordings)
    stop = stop_code(FOLDER / "model")

    spoken = [with_stop(codes, stop) for codes in run.codes]
    segments = sum(bool(re.fullmatch(r"codes_\d+", key)) for key in golden)
    assert spoken == [golden[f"{prefix}{index}"].tolist() for index in range(segments)]
    if all(
        np.array_equal(golden[f"{prefix}{index}"], golden[f"codes_{index}"])
        for index in range(segments)
    ):
        for index, samples in enumerate(run.waves):
            np.testing.assert_allclose(in_steps(samples), in_steps(golden[f"wave_{index}"]), atol=2)


@pytest.mark.parametrize("name", with_features(FOLDER) if IS_SET else [])
def test_computes_the_reference_features_of_the_golden_folder(
    name: str, recordings: dict[str, Recording]
) -> None:
    case = json.loads((FOLDER / f"{name}.json").read_text())
    saved = np.load(FOLDER / f"{name}.npz")
    golden: dict[str, Any] = {
        NAMES.get(key, key): saved[key] for key in ("spk", "emo", "style", "prompt", "ref_mel")
    }
    emotion = case["arguments"].get("emo_audio_prompt", case["reference"])
    assert_same_reference(
        FOLDER / "model", golden, voice=recordings[case["reference"]], emotion=recordings[emotion]
    )


def read_wav(path: Path) -> Recording:
    """Read a recording of 16 bits and one channel."""
    with wave.open(str(path)) as file:
        rate, frames = file.getframerate(), file.readframes(file.getnframes())
    samples = np.frombuffer(frames, np.int16).astype(np.float32) / np.float32(32768)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Recording(path.stem, path.name, digest, Waveform(samples, rate))
