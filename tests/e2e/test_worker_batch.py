"""Batch jobs through RunPod's SDK, in a worker process of its own."""

import pytest

from tests.e2e.audio import decoded_seconds
from tests.e2e.conftest import Deployment

ENDINGS = {"opus": ".ogg", "mp3": ".mp3", "wav": ".wav", "flac": ".flac", "m4a": ".m4a"}


@pytest.mark.parametrize("audio_format", ENDINGS)
def test_the_audio_of_a_batch_job_has_the_reported_duration(
    preview: Deployment, audio_format: str
) -> None:
    job = preview.run({"text": "Good morning, dear reader.", "audio_format": audio_format})
    assert job.status == "COMPLETED", job.error
    [result] = job.output
    assert result["status"] == "completed"
    assert result["filename"] == job.id + ENDINGS[audio_format]
    seconds = decoded_seconds(preview.store.read(result["url"]))
    tolerance = 0.048 if audio_format == "mp3" else 0.010
    assert seconds == pytest.approx(result["metadata"]["duration"], abs=tolerance)
    assert result["metadata"]["engine"] == "preview"


def test_a_job_that_is_run_again_replaces_its_own_object(scripted: Deployment) -> None:
    first = scripted.run({"text": "First try.", "seed": 1}, job_id="retried")
    again = scripted.run({"text": "A second, longer try.", "seed": 1}, job_id="retried")
    assert first.output[0]["s3_key"] == again.output[0]["s3_key"]
    seconds = decoded_seconds(scripted.store.read(again.output[0]["url"]))
    assert seconds == pytest.approx(again.output[0]["metadata"]["duration"], abs=0.01)


def test_another_jobs_object_is_refused_before_any_inference(scripted: Deployment) -> None:
    mine = scripted.run({"text": "Mine.", "session_id": "taken"})
    before = scripted.store.read(mine.output[0]["url"])
    # The model would speak FOREVER without end.
    job = scripted.run({"text": "FOREVER yours.", "session_id": "taken"})
    assert job.status == "FAILED"
    assert job.error is not None
    assert job.error.startswith("conflict: ")
    assert scripted.store.read(mine.output[0]["url"]) == before
    scripted.assert_works()


@pytest.mark.parametrize("job_id", ["-starts-with-a-dash", "x" * 200])
def test_an_odd_job_id_makes_no_odd_file_name(scripted: Deployment, job_id: str) -> None:
    job = scripted.run({"text": "Odd."}, job_id=job_id)
    assert job.status == "COMPLETED", job.error
    assert len(job.output[0]["filename"]) == len("0" * 32 + ".ogg")


def test_the_session_names_the_file(scripted: Deployment) -> None:
    job = scripted.run({"text": "Named.", "session_id": "My.session_1"})
    assert job.output[0]["filename"] == "My.session_1.ogg"


def test_the_same_seed_gives_the_same_samples(preview: Deployment) -> None:
    request = {"text": "Twice the same.", "audio_format": "wav", "seed": 42}
    first, second = (preview.store.read(preview.run(request).output[0]["url"]) for _ in range(2))
    assert first == second
