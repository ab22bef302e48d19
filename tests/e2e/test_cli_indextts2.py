"""The command line with the IndexTTS-2 engine on the tiny checkpoint, in a process of its own."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests.e2e.conftest import Run, home_settings
from tests.loopback.forked_cli import ENGINE_LIBRARIES, ForkedCli
from tests.tiny_checkpoint.checkpoint import write_checkpoint
from tests.tiny_checkpoint.settings import engine_settings
from tests.tiny_checkpoint.voices import hum, write_wav

TEXT = "Hello world, this is a tiny test. And here is a second sentence to be spoken."


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home folder with the tiny checkpoint and an empty voices folder."""
    home = tmp_path_factory.mktemp("home")
    write_checkpoint(home / "checkpoint")
    (home / "voices").mkdir()
    return home


@pytest.fixture(scope="module")
def run(home: Path) -> Iterator[Run]:
    """Return a function that runs the command line with the engine, in forks that have torch."""
    environment = home_settings(home) | engine_settings(home / "checkpoint" / "model")
    with ForkedCli(libraries=ENGINE_LIBRARIES) as cli:

        def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
            return cli.run(*arguments, environment=environment | settings)

        yield run


def speak(run: Run, *arguments: str) -> dict[str, object]:
    """Speak a short text and return the metadata of the result."""
    done = run("speak", TEXT, "--max-mel-tokens", "60", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout)["metadata"]
    return result


def test_speaks_with_the_default_voice_and_reports_the_engine(run: Run) -> None:
    metadata = speak(run, "--seed", "3", "--no-enable-chunking")

    assert (metadata["engine"], metadata["device"], metadata["seed"]) == ("indextts2", "cpu", 3)
    assert metadata["speaker_voice"] == "default.ogg"
    assert metadata["emo_vector"] is None


def test_each_source_of_emotion_is_reported(run: Run) -> None:
    vector = speak(run, "--emo-vector", "1,0,0,0,0,0,1,0", "--emo-alpha", "0.9")
    words = speak(run, "--use-emo-text", "--emo-text", "a bright morning")
    recording = speak(run, "--emo-audio-prompt", "default", "--emo-alpha", "0.5")

    assert vector["emo_vector"] == pytest.approx([0.4, 0, 0, 0, 0, 0, 0.4, 0])
    weights = words["emo_vector"]
    assert isinstance(weights, list)
    assert len(weights) == 8
    assert (recording["emo_vector"], recording["emo_alpha"]) == (None, 0.5)


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
    spoken = []
    for pitch in (110, 190):
        write_wav(home / "voices" / "me.wav", hum(pitch), 24_000)
        out = home / f"{pitch}.wav"
        options = ["--voice", "me", "--seed", "1", "--max-mel-tokens", "40"]
        run("speak", TEXT, *options, "--out", str(out))
        spoken.append(out.read_bytes())

    assert spoken[0] != spoken[1]


def test_missing_weights_are_named(run: Run, home: Path) -> None:
    (home / "empty").mkdir()
    nowhere = {"CHECKPOINTS_DIR": str(home / "empty"), "HF_HOME": str(home / "empty")}

    spoken = run("speak", "Hello.", **nowhere)
    doctor = run("doctor", **nowhere)

    assert (spoken.returncode, spoken.stdout) == (1, "")
    assert spoken.stderr.startswith("indextts-runpod: model_unavailable: weights are missing: ")
    assert "gpt.pth" in spoken.stderr
    assert doctor.returncode == 1
    assert all(name in doctor.stdout for name in ("gpt.pth", "bpe.model", "w2v-bert-2.0"))


def test_a_missing_gpu_is_an_error(run: Run) -> None:
    done = run("speak", "Hello.", DEVICE="cuda")

    assert done.returncode == 1
    assert "model_unavailable: DEVICE is cuda but this machine has no GPU" in done.stderr


def test_the_doctor_reports_the_clamped_length_of_segments(run: Run) -> None:
    done = run("doctor")

    assert done.returncode == 0, done.stdout
    assert "MAX_TOKENS_PER_SEGMENT is 800, but the model takes at most 600" in done.stdout


def test_auto_takes_the_preview_engine_without_a_gpu(run: Run) -> None:
    done = run("speak", "Hello.", "--json", TTS_ENGINE="auto", DEVICE="cpu")

    assert json.loads(done.stdout)["metadata"]["engine"] == "preview"


def test_a_damaged_checkpoint_is_a_clear_error(run: Run, home: Path) -> None:
    damaged = home / "damaged"
    write_checkpoint(damaged)
    weights = damaged / "model" / "gpt.pth"
    weights.write_bytes(weights.read_bytes()[:5_000])

    done = run("speak", "Hello.", CHECKPOINTS_DIR=str(damaged / "model"))

    assert done.returncode == 1
    assert "model_unavailable: gpt.pth cannot be used" in done.stderr
    assert str(home) not in done.stderr.splitlines()[-1]
