"""The worker with the IndexTTS-2 engine on the tiny checkpoint, as RunPod runs it."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.audio import decoded_seconds, streamed, wav_samples
from tests.e2e.conftest import Deploy, Deployment
from tests.loopback.worker_process import WORKER

TEXT = "Hello world, this is a tiny test. And here is a second sentence to be spoken."
SHORT = {"text": TEXT, "max_mel_tokens": 40, "seed": 5}


@pytest.fixture(scope="module")
def speaking(deploy: Deploy, checkpoint: Path) -> Deployment:
    return deploy(*WORKER, **_engine(checkpoint))


def _engine(checkpoint: Path) -> dict[str, str]:
    return {
        "TTS_ENGINE": "indextts2",
        "DEVICE": "cpu",
        "CHECKPOINTS_DIR": str(checkpoint),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",  # tensors this small are done before a second thread is awake
    }


def test_a_batch_job_is_spoken_and_told_as_it_was(speaking: Deployment) -> None:
    job = speaking.run(SHORT)

    assert job.status == "COMPLETED", job.error
    result = job.output[0]
    metadata = result["metadata"]
    assert (metadata["engine"], metadata["device"], metadata["seed"]) == ("indextts2", "cpu", 5)
    assert metadata["speaker_voice"] == "default.ogg"
    seconds = decoded_seconds(speaking.store.read(result["url"]))
    assert seconds == pytest.approx(metadata["duration"], abs=0.01)


@pytest.mark.parametrize(
    ("emotion", "weights"),
    [
        ({"emo_vector": [0.5, 0, 0, 0, 0, 0, 0, 0], "emo_alpha": 0.5}, [0.25] + [0] * 7),
        ({"emo_audio_prompt": "default", "emo_alpha": 0.5}, None),
    ],
)
def test_emotions_reach_the_model(
    speaking: Deployment, emotion: dict[str, Any], weights: list[float] | None
) -> None:
    job = speaking.run(SHORT | emotion)

    assert job.status == "COMPLETED", job.error
    assert job.output[0]["metadata"]["emo_vector"] == weights


def test_words_become_the_weights_that_are_reported(speaking: Deployment) -> None:
    job = speaking.run(SHORT | {"use_emo_text": True, "emo_text": "a bright morning"})

    assert job.status == "COMPLETED", job.error
    weights = job.output[0]["metadata"]["emo_vector"]
    assert len(weights) == 8
    assert 0 < sum(weights) <= 0.8 + 1e-6


def test_a_long_text_streams_what_it_would_store(speaking: Deployment) -> None:
    request = SHORT | {"text": f"{TEXT} {TEXT} {TEXT}", "max_chars_per_chunk": 60}
    stored = speaking.run(request | {"audio_format": "wav"})
    stream = speaking.run(request | {"stream": True})

    assert (stored.status, stream.status) == ("COMPLETED", "COMPLETED"), stored.error
    assert len(stream.pieces[-1]["metadata"]["chunks"]) > 3
    content = speaking.store.read(stored.output[0]["url"])
    assert streamed(stream) == wav_samples(content)


def test_what_reached_the_limit_of_codes_is_a_warning(speaking: Deployment) -> None:
    job = speaking.run(SHORT | {"max_mel_tokens": 5})

    warnings = job.output[0]["metadata"]["warnings"]
    assert any("max_mel_tokens" in warning for warning in warnings)


def test_a_text_that_the_model_does_not_know_is_refused(speaking: Deployment) -> None:
    job = speaking.run(SHORT | {"text": "Ωμέγα"})

    assert job.status == "FAILED"
    assert job.error is not None
    assert job.error.startswith("invalid_request: text: ")
    assert speaking.run(SHORT).status == "COMPLETED"


def test_health_is_healthy_once_loaded(speaking: Deployment) -> None:
    speaking.run(SHORT)

    health = speaking.run({"action": "health_check"}).output[0]

    assert (health["status"], health["engine"]) == ("healthy", "indextts2")
    assert health["model"] == {"state": "ready", "missing_files": []}
