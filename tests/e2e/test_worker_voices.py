"""Reference recordings, good and bad, through RunPod's SDK."""

from pathlib import Path

import numpy as np
import pytest

from tests.e2e.conftest import Deploy, Deployment
from tests.loopback.runpod_queue import Job
from tests.tiny_checkpoint.voices import write_wav

RATE_HZ = 16_000


def write_tone(path: Path, *, seconds: float, amplitude: float = 0.3) -> None:
    """Write a sine, loud enough to pass for a voice unless ``amplitude`` is 0."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = amplitude * np.sin(np.arange(int(seconds * RATE_HZ)) / 10)
    write_wav(path, (32_767 * tone).astype(np.int16), RATE_HZ)


@pytest.fixture(scope="module")
def studio(deploy: Deploy) -> Deployment:
    """Start a worker with usable and unusable recordings in its voices folder."""
    deployment = deploy()
    voices = deployment.folder / "voices"
    write_tone(voices / "narrators" / "alice.wav", seconds=1)
    write_tone(voices / "long.wav", seconds=16)
    write_tone(voices / "short.wav", seconds=0.4)
    write_tone(voices / "silent.wav", seconds=1, amplitude=0)
    (voices / "empty.wav").touch()
    (voices / "letter.wav").write_text("Dear reader, this is no recording.")
    write_tone(deployment.folder / "outside.wav", seconds=1)
    (voices / "link.wav").symlink_to(deployment.folder / "outside.wav")
    return deployment


def speak(studio: Deployment, voice: str) -> Job:
    return studio.run({"text": "Who am I?", "speaker_voice": voice})


@pytest.mark.parametrize("name", ["narrators/alice", "narrators/alice.wav"])
def test_a_voice_is_found_with_and_without_its_extension(studio: Deployment, name: str) -> None:
    job = speak(studio, name)
    assert job.output[0]["metadata"]["speaker_voice"] == "narrators/alice.wav"


def test_a_long_reference_is_cut_and_that_is_told(studio: Deployment) -> None:
    [warning] = speak(studio, "long").output[0]["metadata"]["warnings"]
    assert "15 s" in warning


@pytest.mark.parametrize("name", ["short", "silent", "empty", "letter"])
def test_a_bad_reference_is_refused_by_name(studio: Deployment, name: str) -> None:
    job = speak(studio, name)
    assert str(job.error).startswith(f"bad_reference: {name}.wav ")
    studio.assert_works()


def test_a_link_that_leads_out_is_no_voice(studio: Deployment) -> None:
    job = speak(studio, "link")
    assert str(job.error).startswith("unknown_voice: there is no voice named 'link'; ")
    assert "narrators/alice" in str(job.error)


def test_an_emotion_may_be_a_recording(studio: Deployment) -> None:
    job = studio.run({"text": "How am I?", "emo_audio_prompt": "narrators/alice"})
    assert job.status == "COMPLETED", job.error
