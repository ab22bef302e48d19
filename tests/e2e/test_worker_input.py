"""Every rule on a job's input at its edge, and hostile values, through RunPod's SDK.

Each refused job is followed by a good one in the same process. Several workers share the list,
because the SDK takes one job a second.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.conftest import Deploy
from tests.loopback.runpod_queue import Job

WORKERS = 6
TEXT = {"text": "Hello."}
NOT_THERE = "unknown_voice: there is no voice named "


@dataclass(frozen=True)
class Refused:
    """An input that is refused, and the beginning of its error."""

    job_input: Any
    error: str


REFUSED = {
    "input null": Refused(None, "invalid_request: input: "),
    "input a list": Refused([1], "invalid_request: input: "),
    "input empty": Refused({}, "invalid_request: text: is missing"),
    "text of 10 001": Refused({"text": "a" * 10_001}, "invalid_request: text: has 10001 "),
    "text of blanks": Refused({"text": " \n\t "}, "invalid_request: text: "),
    "text of emoji": Refused({"text": "😀👩‍👩‍👧‍👦"}, "invalid_request: text: "),
    "text of punctuation": Refused({"text": "?!…。"}, "invalid_request: text: "),
    "text a number": Refused({"text": 5}, "invalid_request: text: must be a string"),
    "text half a pair": Refused({"text": "a\ud800"}, "invalid_request: text: "),
    "voice a number": Refused(TEXT | {"speaker_voice": 123}, "invalid_request: speaker_voice: "),
    "voice above": Refused(TEXT | {"speaker_voice": "../x"}, NOT_THERE),
    "voice absolute": Refused(TEXT | {"speaker_voice": "/etc/passwd"}, NOT_THERE),
    "voice with NUL": Refused(TEXT | {"speaker_voice": "a\u0000.wav"}, NOT_THERE),
    "voice unknown": Refused(TEXT | {"speaker_voice": "nobody"}, NOT_THERE),
    "emotion unknown": Refused(TEXT | {"emo_audio_prompt": "nobody"}, NOT_THERE),
    "vector of 7": Refused(TEXT | {"emo_vector": [0.1] * 7}, "invalid_request: emo_vector: "),
    "vector with NaN": Refused(
        TEXT | {"emo_vector": [math.nan] + [0] * 7}, "invalid_request: emo_vector[0]: "
    ),
    "vector with -1": Refused(
        TEXT | {"emo_vector": [-1] + [0] * 7}, "invalid_request: emo_vector[0]: "
    ),
    "vector with true": Refused(
        TEXT | {"emo_vector": [True] + [0] * 7}, "invalid_request: emo_vector[0]: "
    ),
    "vector with a string": Refused(
        TEXT | {"emo_vector": ["0.5"] + [0] * 7}, "invalid_request: emo_vector[0]: "
    ),
    "two emotions": Refused(
        TEXT | {"emo_vector": [0.1] * 8, "use_emo_text": True}, "invalid_request: use_emo_text: "
    ),
    "words unused": Refused(TEXT | {"emo_text": "sad"}, "invalid_request: emo_text: "),
    "strength over 1": Refused(TEXT | {"emo_alpha": 1.01}, "invalid_request: emo_alpha: "),
    "stream a string": Refused(TEXT | {"stream": "false"}, "invalid_request: stream: "),
    "stream unknown format": Refused(
        TEXT | {"stream": True, "output_format": "mp3"}, "invalid_request: output_format: "
    ),
    "blend -5": Refused(TEXT | {"crossfade_ms": -5}, "invalid_request: crossfade_ms: "),
    "blend a string": Refused(TEXT | {"crossfade_ms": "140"}, "invalid_request: crossfade_ms: "),
    "blend huge": Refused(TEXT | {"crossfade_ms": 1e9}, "invalid_request: crossfade_ms: "),
    "pause 2001": Refused(TEXT | {"chunk_pause_ms": 2001}, "invalid_request: chunk_pause_ms: "),
    "bound 49": Refused(
        TEXT | {"max_chars_per_chunk": 49}, "invalid_request: max_chars_per_chunk: "
    ),
    "stream bound 1001": Refused(
        TEXT | {"stream_max_chars_per_chunk": 1001},
        "invalid_request: stream_max_chars_per_chunk: ",
    ),
    "session with slashes": Refused(
        TEXT | {"session_id": "../../x"}, "invalid_request: session_id: "
    ),
    "session of dots": Refused(TEXT | {"session_id": ".."}, "invalid_request: session_id: "),
    "session of 500": Refused(TEXT | {"session_id": "s" * 500}, "invalid_request: session_id: "),
    "seed -1": Refused(TEXT | {"seed": -1}, "invalid_request: seed: "),
    "seed 2**63": Refused(TEXT | {"seed": 2**63}, "invalid_request: seed: "),
    "bitrate of wav": Refused(
        TEXT | {"audio_format": "wav", "bitrate_kbps": 64}, "invalid_request: bitrate_kbps: "
    ),
    "language a name": Refused(TEXT | {"language": "english"}, "invalid_request: language: "),
    "beams 0": Refused(TEXT | {"num_beams": 0}, "invalid_request: num_beams: "),
    "a misspelt field": Refused(
        TEXT | {"speaker_vioce": "a"},
        "invalid_request: 'speaker_vioce': is not a field; did you mean speaker_voice?",
    ),
    "a misspelt action": Refused(
        {"actoin": "health_check"},
        "invalid_request: text: is missing; 'actoin': is not a field; did you mean action?",
    ),
    "an unknown action": Refused({"action": "sing"}, "invalid_request: action: "),
    "an action with a text": Refused(
        {"action": "health_check", "text": "Hello."},
        "invalid_request: text: does not go with an action",
    ),
    "an action that is a list": Refused({"action": ["health_check"]}, "invalid_request: action: "),
}

ACCEPTED: Mapping[str, dict[str, Any]] = {
    "text of 10 000 in blanks": {"text": f"  {'word ' * 1999}words  ", "audio_format": "mp3"},
    "vector of ones": TEXT | {"emo_vector": [1] * 8},
    "whole numbers written as 140.0": TEXT | {"crossfade_ms": 140.0, "seed": 3.0},
    "the least of everything": TEXT
    | {"max_chars_per_chunk": 50, "crossfade_ms": 0, "chunk_pause_ms": 0, "emo_alpha": 0},
    "the most of everything": TEXT
    | {
        "max_chars_per_chunk": 1000,
        "crossfade_ms": 2000,
        "chunk_pause_ms": 2000,
        "seed": 2**63 - 1,
    },
    "a null action": TEXT | {"action": None},
    "another script": {"text": "你好，世界。", "language": "zh"},
}


@pytest.fixture(scope="module")
def jobs(deploy: Deploy) -> dict[str, tuple[Job, Job]]:
    """Run each input, followed by a good job in the same process."""
    deployments = [deploy() for _ in range(WORKERS)]
    inputs = {name: case.job_input for name, case in REFUSED.items()} | dict(ACCEPTED)
    submitted = {}
    for number, (name, job_input) in enumerate(inputs.items()):
        queue = deployments[number % WORKERS].queue
        submitted[name] = (
            queue,
            queue.submit(job_input),
            queue.submit({"text": "And a good one."}),
        )
    return {
        name: (queue.wait(job), queue.wait(good)) for name, (queue, job, good) in submitted.items()
    }


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_input_is_refused_with_its_field(
    jobs: dict[str, tuple[Job, Job]], name: str
) -> None:
    job, good = jobs[name]
    assert job.status == "FAILED"
    assert job.error is not None
    assert job.error.startswith(REFUSED[name].error)
    assert "\n" not in job.error
    assert good.status == "COMPLETED", good.error


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_input_at_the_edge_is_accepted(jobs: dict[str, tuple[Job, Job]], name: str) -> None:
    job, good = jobs[name]
    assert job.status == "COMPLETED", job.error
    assert good.status == "COMPLETED", good.error


def test_no_answer_tells_whether_a_file_exists_elsewhere(jobs: dict[str, tuple[Job, Job]]) -> None:
    def without_name(error: str | None) -> str:
        return str(error).partition(";")[2]

    unknown = without_name(jobs["voice unknown"][0].error)
    for name in ("voice above", "voice absolute", "voice with NUL"):
        assert without_name(jobs[name][0].error) == unknown


def test_the_effective_vector_sums_to_what_the_model_bears(
    jobs: dict[str, tuple[Job, Job]],
) -> None:
    [result] = jobs["vector of ones"][0].output
    assert sum(result["metadata"]["emo_vector"]) == pytest.approx(0.8, abs=1e-4)
