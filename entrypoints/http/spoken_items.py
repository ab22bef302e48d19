"""The items of one speech, made in the thread that has the engine."""

import threading
from collections import deque
from collections.abc import Generator
from contextlib import closing

from application.ports.audio import AudioStreamEncoder
from application.utterance import SpokenSoFar, Utterance
from domain.audio import StreamFormat
from domain.errors import Cancelled
from entrypoints.engine.queue import EngineLease
from entrypoints.http.outbox import ChunkStart, Item
from entrypoints.http.speech_body import SpeechOrder

USUAL_RATE_HZ = 24_000
"""The rate of Opus, and the one that OpenAI's clients assume of ``pcm``, which names none."""


def spoken_items(
    order: SpeechOrder,
    utterance: Utterance,
    cancelled: threading.Event,
    *,
    encoder: AudioStreamEncoder,
    lease: EngineLease,
) -> Generator[Item, None, None]:
    """Speak ``utterance``; yield its bytes, the beginnings of its chunks, and the report at last.

    Raises:
        Cancelled: ``cancelled`` was set.
        SpeechError: the speech failed.
    """
    texts = utterance.chunk_texts
    starts = deque([ChunkStart(0, texts[0], 0.0)])

    def watch(so_far: SpokenSoFar) -> None:
        index = so_far.chunks_done
        if index < so_far.chunks:
            starts.append(ChunkStart(index, texts[index], so_far.seconds))

    def checkpoint() -> None:
        if cancelled.is_set():
            raise Cancelled("the request was cancelled")

    with lease.use(), closing(utterance.samples(watch, checkpoint=checkpoint)) as samples:
        pieces = encoder.encode(
            samples,
            sample_rate_hz=utterance.sample_rate_hz,
            stream_format=order.stream_format,
            bitrate_kbps=order.job.bitrate_kbps,
            output_rate_hz=output_rate_hz(order),
        )
        with closing(pieces):
            for piece in pieces:
                while starts:
                    yield starts.popleft()
                yield piece
    yield utterance.report()


def output_rate_hz(order: SpeechOrder) -> int | None:
    """Return the rate that the audio is resampled to; None is the format's own choice."""
    if order.sample_rate_hz is None and order.stream_format in (
        StreamFormat.PCM,
        StreamFormat.OPUS,
    ):
        return USUAL_RATE_HZ
    return order.sample_rate_hz
