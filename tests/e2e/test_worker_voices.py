"""Reference recordings, good and bad, through RunPod's SDK."""

import math
import struct
import wave
from pathlib import Path

import pytest

from tests.e2e.conftest import Deploy, Deployment
from tests.loopback.runpod_queue import Job

RATE_HZ = 16_000


def write_tone(path: Path, *, seconds: float, amplitude: float = 0.3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        for number in range(int(seconds * RATE_HZ)):
            level = amplitude * math.sin(number / 10)
            sound.writeframesraw(struct.pack("<h", int(32_767 * level)))


@pytest.fixture(scope="module")
def studio(deploy: Deploy) -> Deployment:
    deployment = deploy()
    voices = deployment.folder / "voices"
    write_tone(voices / "narrators" / "alice.wav", seconds=1)
    write_tone(voices / "long.wav", seconds=16)
    write_tone(voices / "short.wav", seconds=0.4)
    write_tone(voices / "silent.wav", seconds=1, amplitude=0)
    (voices / "empty.wav").touch()
    (voices / "letter.wav").write_text("Dear listener, this is no recording.")
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
