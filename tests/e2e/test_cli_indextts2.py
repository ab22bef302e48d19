"""The command line with the IndexTTS-2 engine on the tiny checkpoint."""

import json
import os
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.e2e.conftest import Run
from tests.loopback.forked_cli import ENGINE_LIBRARIES, ForkedCli
from tests.models.indextts2.checkpoints import copied_checkpoint, replaced
from tests.tiny_checkpoint.voices import hum, write_wav

ROOT = Path(__file__).parents[2]
TEXT = "Hello world, this is a tiny test. And here is a second sentence to be spoken."


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a folder for voices."""
    home = tmp_path_factory.mktemp("home")
    (home / "voices").mkdir()
    return home


@pytest.fixture(scope="module")
def environment(home: Path, checkpoint: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AUDIO_VOICES_DIR": str(home / "voices"),
        "OUTPUT_AUDIO_DIR": str(home / "output"),
        "CHECKPOINTS_DIR": str(checkpoint),
        "TTS_ENGINE": "indextts2",
        "DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",  # tensors this small are done before a second thread is awake
        "HF_HUB_OFFLINE": "1",
    }


@pytest.fixture(scope="module")
def run(environment: dict[str, str]) -> Iterator[Run]:
    """Run a command in a fork of a program that has imported the engine's libraries."""
    with ForkedCli(libraries=ENGINE_LIBRARIES) as cli:

        def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
            return cli.run(*arguments, environment=environment | settings)

        yield run


def spoken(done: Any) -> dict[str, object]:
    """The metadata that ``speak --json`` printed."""
    result: dict[str, object] = json.loads(done.stdout)["metadata"]
    return result


def test_speaks_with_the_default_voice_and_says_how(run: Run) -> None:
    done = run("speak", TEXT, "--max-mel-tokens", "60", "--json", "--seed", "3")

    assert done.returncode == 0, done.stderr
    metadata = spoken(done)
    assert (metadata["engine"], metadata["device"], metadata["seed"]) == ("indextts2", "cpu", 3)
    assert metadata["speaker_voice"] == "default.ogg"
    assert metadata["emo_vector"] is None


@pytest.mark.parametrize(
    ("options", "vector", "alpha"),
    [
        pytest.param(
            ["--emo-vector", "1,0,0,0,0,0,1,0", "--emo-alpha", "0.9"],
            pytest.approx([0.4, 0, 0, 0, 0, 0, 0.4, 0]),
            0.9,
            id="vector",
        ),
        pytest.param(
            ["--emo-audio-prompt", "default", "--emo-alpha", "0.5"], None, 0.5, id="recording"
        ),
    ],
)
def test_an_emotion_is_reported_as_it_was_given(
    run: Run, options: list[str], vector: object, alpha: float
) -> None:
    metadata = spoken(run("speak", TEXT, "--max-mel-tokens", "60", "--json", *options))

    assert (metadata["emo_vector"], metadata["emo_alpha"]) == (vector, alpha)


def test_words_of_an_emotion_become_eight_weights(run: Run) -> None:
    words = ["--use-emo-text", "--emo-text", "a bright morning"]
    metadata = spoken(run("speak", TEXT, "--max-mel-tokens", "60", "--json", *words))

    weights = metadata["emo_vector"]
    assert isinstance(weights, list)
    assert len(weights) == 8


def test_streamed_samples_are_those_of_the_file(run: Run, home: Path) -> None:
    request = ["speak", TEXT, "--seed", "5", "--max-mel-tokens", "40"]
    bound = ["--max-chars-per-chunk", "50"]
    batch = run(*request, *bound, "--out", str(home / "batch.wav"))
    stream = run(*request, *bound, "--stream", "--out", str(home / "stream.wav"))

    assert (batch.returncode, stream.returncode) == (0, 0), batch.stderr + stream.stderr
    with av.open(home / "batch.wav") as one, av.open(home / "stream.wav") as other:
        ours = [frame.to_ndarray() for frame in one.decode(audio=0)]
        theirs = [frame.to_ndarray() for frame in other.decode(audio=0)]
    assert np.concatenate(ours, 1).shape[1] > 10_000
    np.testing.assert_array_equal(np.concatenate(ours, 1), np.concatenate(theirs, 1))


def test_a_recording_replaced_under_its_name_is_a_new_voice(run: Run, home: Path) -> None:
    heard = []
    for pitch in (110, 190):
        write_wav(home / "voices" / "me.wav", hum(pitch), 24_000)
        out = home / f"{pitch}.wav"
        run(
            "speak",
            TEXT,
            "--voice",
            "me",
            "--seed",
            "1",
            "--max-mel-tokens",
            "40",
            "--out",
            str(out),
        )
        heard.append(out.read_bytes())

    assert heard[0] != heard[1]


def test_what_is_missing_is_named(run: Run, home: Path) -> None:
    (home / "empty").mkdir()
    nowhere = {"CHECKPOINTS_DIR": str(home / "empty"), "HF_HOME": str(home / "empty")}

    spoken = run("speak", "Hello.", **nowhere)

    assert (spoken.returncode, spoken.stdout) == (1, "")
    assert spoken.stderr.startswith("indextts-runpod: model_unavailable: weights are missing: ")
    assert "gpt.pth" in spoken.stderr


def test_a_gpu_that_is_not_there_is_said(run: Run) -> None:
    done = run("speak", "Hello.", DEVICE="cuda")

    assert done.returncode == 1
    assert "model_unavailable: DEVICE is cuda but this machine has no GPU" in done.stderr


def test_the_doctor_examines_what_the_engine_needs(run: Run, checkpoint: Path) -> None:
    done = run("doctor", "--json")

    findings = json.loads(done.stdout)["findings"]
    report = {finding["subject"]: (finding["mark"], finding["found"]) for finding in findings}
    assert done.returncode == 0, findings

    package = f"indextts2-inference {version('indextts2-inference')}, imports"
    assert report["model package"] == ("ok", package)
    assert report["torch"] == ("ok", f"{version('torch')}, a build without CUDA")
    assert report["weights IndexTeam/IndexTTS-2"] == ("ok", f"complete in {checkpoint}")
    assert report["GPU driver"][0] == "note"
    assert "MAX_TOKENS_PER_SEGMENT is 800, but the model takes at most 600" in done.stdout


def test_auto_takes_the_preview_engine_without_a_gpu(run: Run) -> None:
    done = run("speak", "Hello.", "--json", TTS_ENGINE="auto", DEVICE="cpu")

    assert json.loads(done.stdout)["metadata"]["engine"] == "preview"


def test_a_damaged_checkpoint_is_a_clear_error(run: Run, home: Path, checkpoint: Path) -> None:
    damaged = copied_checkpoint(checkpoint, home / "damaged")
    weights = damaged / "gpt.pth"
    replaced(weights, weights.read_bytes()[:5_000])

    done = run("speak", "Hello.", CHECKPOINTS_DIR=str(damaged))

    assert done.returncode == 1
    assert "model_unavailable: gpt.pth cannot be used" in done.stderr
    assert str(home) not in done.stderr.splitlines()[-1]
