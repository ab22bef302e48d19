"""Stream mode: samples as JSON objects of bounded size, and encoded pieces into a file."""

import base64
from collections.abc import Generator
from contextlib import closing
from typing import BinaryIO

from application.utterance import Checkpoint, Utterance
from domain.audio import to_int16
from entrypoints.rendering import stream_end
from entrypoints.results import StreamEnd, StreamPiece

PIECE_SAMPLES = 320_000
"""Samples of a piece. They are 853 336 characters of base64; with its other fields a piece stays
under the 900 000 bytes that the API promises."""


def stream_objects(
    utterance: Utterance, *, checkpoint: Checkpoint | None = None
) -> Generator[StreamPiece | StreamEnd, None, None]:
    """Speak ``utterance``: yield its samples in pieces as soon as they are final, then the end.

    Raises:
        SpeechError: instead of the end, when the speech fails.
        Whatever ``checkpoint`` raises.
    """
    number = 0
    with closing(utterance.samples(checkpoint=checkpoint)) as parts:
        for part in parts:
            for start in range(0, len(part), PIECE_SAMPLES):
                number += 1
                pcm = to_int16(part[start : start + PIECE_SAMPLES]).astype("<i2").tobytes()
                yield StreamPiece(
                    chunk=number,
                    audio_chunk=base64.b64encode(pcm).decode("ascii"),
                    sample_rate=utterance.sample_rate_hz,
                )
    yield stream_end(utterance.report(), pieces=number)


def write_stream(pieces: Generator[bytes, None, bytes], sink: BinaryIO) -> int:
    """Write each piece as it comes, and the final header if ``sink`` can seek.

    Args:
        pieces: The encoded speech; returns the header with the final sizes, or nothing.
        sink: An open file or pipe.

    Returns:
        The number of pieces.

    Raises:
        OSError: ``sink`` cannot be written.
        SpeechError: the speech failed.
    """
    count = 0
    while True:
        try:
            piece = next(pieces)
        except StopIteration as end:
            if end.value and sink.seekable():
                sink.seek(0)
                sink.write(end.value)
            return count
        sink.write(piece)
        sink.flush()
        count += 1
