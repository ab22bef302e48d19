"""Stream jobs through RunPod's SDK, in a worker process of its own."""

import base64
import json

import pytest

from tests.e2e.audio import streamed, wav_samples
from tests.e2e.conftest import Deployment
from tests.loopback.runpod_queue import Job

PIECE_LIMIT = 900_000
OUTPUT_LIMIT = 1_000_000
LONG_TEXT = ("The quick brown fox jumps over the lazy dog, again and again. " * 200)[:9999] + "."


@pytest.fixture(scope="module")
def long_stream(scripted: Deployment) -> Job:
    """Stream ten thousand characters once for the tests of this module."""
    return scripted.run(
        {"text": LONG_TEXT, "stream": True, "stream_max_chars_per_chunk": 1000, "seed": 7}
    )


def test_a_long_stream_comes_in_order_in_small_pieces(long_stream: Job) -> None:
    assert len(LONG_TEXT) == 10_000
    assert long_stream.status == "COMPLETED", long_stream.error
    *pieces, end = long_stream.pieces
    assert [piece["chunk"] for piece in pieces] == list(range(1, len(pieces) + 1))
    assert end["status"] == "complete"
    assert end["total_chunks"] == len(pieces)
    assert max(post.size for post in long_stream.posts) < PIECE_LIMIT
    assert all(len(base64.b64decode(piece["audio_chunk"])) % 2 == 0 for piece in pieces)


def test_the_finished_jobs_output_does_not_repeat_the_audio(long_stream: Job) -> None:
    assert len(json.dumps(long_stream.output)) < OUTPUT_LIMIT
    *pieces, end = long_stream.output
    assert [piece["chunk"] for piece in pieces] == list(range(1, end["total_chunks"] + 1))
    assert all("audio_chunk" not in piece for piece in pieces)


def test_the_streamed_samples_are_those_of_batch_mode(
    scripted: Deployment, long_stream: Job
) -> None:
    batch = scripted.run(
        {"text": LONG_TEXT, "max_chars_per_chunk": 1000, "seed": 7, "audio_format": "wav"}
    )
    content = scripted.store.read(batch.output[0]["url"])
    assert streamed(long_stream) == wav_samples(content)
    assert batch.output[0]["metadata"]["chunks"] == long_stream.output[-1]["metadata"]["chunks"]


def test_the_preview_engine_streams_what_it_would_store(preview: Deployment) -> None:
    text = "The first sentence is a short one. The second one follows it, and is a little longer."
    request = {"text": text, "max_chars_per_chunk": 50, "seed": 3}
    stream = preview.run(request | {"stream": True})
    batch = preview.run(request | {"audio_format": "wav"})
    assert streamed(stream) == wav_samples(preview.store.read(batch.output[0]["url"]))


def test_the_first_piece_leaves_before_the_second_chunk_is_spoken(scripted: Deployment) -> None:
    text = "The first sentence is spoken right away, at once. GATE holds the second one back."
    job = scripted.queue.submit({"text": text, "stream": True, "max_chars_per_chunk": 50})
    scripted.queue.wait_until(lambda: len(job.pieces) > 0, seconds=20)
    assert not job.is_final
    scripted.gate.touch()
    assert scripted.queue.wait(job).status == "COMPLETED"
    scripted.gate.unlink()


def test_every_post_carries_the_key_that_runpod_gave(long_stream: Job) -> None:
    assert {post.key for post in long_stream.posts} == {"rp-loopback-key"}
