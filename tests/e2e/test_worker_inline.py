"""A worker without S3 and without a volume: the audio comes in the answer."""

import base64

import pytest

from tests.e2e.audio import decoded_seconds
from tests.e2e.conftest import Deploy, Deployment
from tests.loopback.worker_process import WORKER


@pytest.fixture(scope="module")
def inline(deploy: Deploy) -> Deployment:
    return deploy(
        *WORKER,
        OBJECT_STORE="inline",
        AUDIO_VOICES_DIR="/nowhere/voices",
        OUTPUT_AUDIO_DIR="/nowhere/output",
        CHECKPOINTS_DIR="/nowhere/checkpoints",
    )


def test_one_job_gives_decodable_audio(inline: Deployment) -> None:
    job = inline.run({"text": "Good morning, dear reader."})

    assert job.status == "COMPLETED", job.error
    [result] = job.output
    seconds = decoded_seconds(base64.b64decode(result["audio_base64"], validate=True))
    assert seconds == pytest.approx(result["metadata"]["duration"], abs=0.01)
    assert result.keys() == {"status", "filename", "audio_base64", "metadata"}


def test_the_audio_is_in_the_output_alone_because_a_streamed_object_is_bounded(
    inline: Deployment,
) -> None:
    job = inline.run({"text": "Good morning, dear reader."})

    [piece] = job.pieces
    assert piece["filename"] == job.output[0]["filename"]
    assert "audio_base64" not in piece


def test_a_text_that_would_be_too_long_is_refused_with_the_way_out(inline: Deployment) -> None:
    job = inline.run({"text": "Good morning, dear reader. " * 300})

    assert job.error is not None
    assert job.error.startswith("invalid_request: text: has 8099 characters")
    assert "takes at most 6 MB: choose bitrate_kbps of at most" in job.error


def test_the_store_is_always_reachable(inline: Deployment) -> None:
    [health] = inline.run({"action": "health_check"}).output

    assert health["storage"] == {"kind": "inline", "reachable": True}
