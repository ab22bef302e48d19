"""A worker without S3 and without a volume: the audio comes in the answer."""

import base64
import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from tests.e2e.audio import decoded_seconds
from tests.e2e.conftest import Deploy, Deployment
from tests.loopback.worker_process import ROOT, WORKER


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


def test_the_guides_command_writes_the_audio_of_an_answer(
    inline: Deployment, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "guides" / "first-requests.md").read_text()
    [command] = re.findall(r"<!-- the audio of an answer -->\n```sh\n(.*?)```", page, re.DOTALL)
    job = inline.run({"text": "Good morning, dear reader.", "session_id": "morning"})
    (tmp_path / "answer.json").write_text(json.dumps({"output": job.output}))
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert decoded_seconds((tmp_path / done.stdout.strip()).read_bytes()) > 0.5


def test_the_audio_is_in_the_output_alone_because_a_streamed_object_is_bounded(
    inline: Deployment,
) -> None:
    job = inline.run({"text": "Good morning, dear reader."})

    [piece] = job.pieces
    assert piece["filename"] == job.output[0]["filename"]
    assert "audio_base64" not in piece


def test_a_voice_that_comes_with_the_job_speaks(inline: Deployment) -> None:
    bundled = files("adapters.filesystem").joinpath("bundled_voices", "default.ogg").read_bytes()
    job = inline.run(
        {"text": "In my own voice.", "speaker_audio": base64.b64encode(bundled).decode()}
    )

    assert job.status == "COMPLETED", job.error
    [result] = job.output
    assert decoded_seconds(base64.b64decode(result["audio_base64"])) > 0.5
    assert result["metadata"]["speaker_voice"] == "speaker_audio"


def test_a_recording_at_a_url_is_refused_unless_its_host_is_allowed(inline: Deployment) -> None:
    url = "https://169.254.169.254/latest/meta-data?token=secret"
    job = inline.run({"text": "Whose voice?", "speaker_audio": url})

    assert job.error is not None
    assert job.error.startswith("bad_reference: speaker_audio: the recording cannot be fetched")
    [line] = inline.worker.events("recording_not_fetched")
    assert line["job_id"] == job.id
    assert "secret" not in inline.worker.printed()


def test_a_text_that_would_be_too_long_is_refused_with_the_way_out(inline: Deployment) -> None:
    job = inline.run({"text": "Good morning, dear reader. " * 300})

    assert job.error is not None
    assert job.error.startswith("invalid_request: text: has 8099 characters")
    assert "takes at most 6 MB: choose bitrate_kbps of at most" in job.error


def test_the_store_is_always_reachable(inline: Deployment) -> None:
    [health] = inline.run({"action": "health_check"}).output

    assert health["storage"] == {"kind": "inline", "reachable": True}
