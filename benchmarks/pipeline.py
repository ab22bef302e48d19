"""The cost of everything around the model, compared with a naive program, in one run.

An instant model hands out ready-made speech; the pipeline joins, encodes and stores it. The naive
way does what a first script does: every chunk to a WAV file and back, ``concatenate`` in a loop,
one encoding at the end. Every measurement runs in a fresh process, so that peaks do not mix.

    python -m benchmarks.pipeline [--minutes 1 10 60]
"""

import argparse
import math
import resource
import tempfile
import time
import wave
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adapters.filesystem.store import FilesystemStore
from adapters.filesystem.voices import FilesystemVoices
from adapters.pyav.decoder import PyavDecoder
from adapters.pyav.encoder import PyavEncoder
from adapters.pyav.time_stretch import stretched
from application.ports.speech_model import ModelInfo, ModelState, ModelStatus, SpokenPart
from application.references import References
from application.speak import Speak
from application.speech_request import SpeechRequest
from benchmarks.process import in_a_new_process
from domain.audio import AudioFormat, Samples, to_int16
from domain.delivery import Delivery
from domain.text.chunking import plan_chunks
from domain.voice import Recording
from entrypoints.results import StreamEnd
from entrypoints.streaming import stream_objects

RATE_HZ = 22_050
CHUNK_SECONDS = 10
PAUSE_MS = 300
TEXTS = {
    "English": "Dr. Smith paid $3.50 at 3 p.m. He left, and nobody knew why. ",
    "Chinese": "今天天气很好，我们去公园玩。你想来吗？",
}
SENTENCE = "A sentence that stands for ten seconds of speech goes here. "


def ready_made_chunk() -> Samples:
    """Return ten seconds like speech: bursts of coloured noise between pauses, silent edges."""
    draw = np.random.default_rng(1)
    time_axis = np.arange(CHUNK_SECONDS * RATE_HZ) / RATE_HZ
    envelope = np.clip(np.sin(2 * np.pi * 2 * time_axis), 0, 1)
    pitches = np.array([[140], [280], [910], [2_400]])
    carrier = np.sin(2 * np.pi * pitches * time_axis).sum(axis=0)
    speech: Samples = (0.1 * envelope * (carrier + draw.normal(0, 0.3, len(time_axis)))).astype(
        np.float32
    )
    speech[: RATE_HZ // 4] = speech[-RATE_HZ // 4 :] = 0
    return speech


class InstantModel:
    """Speaks every chunk at once, with the same ten seconds."""

    info = ModelInfo(
        name="instant", device="cpu", uses_gpu=False, clones_voices=True, sample_rate_hz=RATE_HZ
    )

    def __init__(self) -> None:
        self._chunk = ready_made_chunk()

    def status(self) -> ModelStatus:
        return ModelStatus(ModelState.READY)

    def load(self) -> None:
        pass

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        for index in range(len(chunks)):
            yield SpokenPart(index, self._chunk, ends_chunk=True)


def ours(minutes: int, folder: Path) -> None:
    """Run batch mode: the use case with its real adapters."""
    _speaker(folder).into_store(_request(minutes), job_id="benchmark")


def ours_streamed(minutes: int, folder: Path) -> None:
    """Run stream mode: every piece is rendered to JSON and dropped."""
    utterance = _speaker(folder).utterance(_request(minutes))
    for piece in stream_objects(utterance):
        if not isinstance(piece, StreamEnd):
            piece.model_dump_json()


def naive(minutes: int, folder: Path) -> None:
    """Write a file for each chunk, ``concatenate`` in a loop, and encode at the end."""
    chunk = ready_made_chunk()
    pause = np.zeros(RATE_HZ * PAUSE_MS // 1000, dtype=np.float32)
    together: Samples = np.zeros(0, dtype=np.float32)
    for index in range(_chunk_count(minutes)):
        path = folder / f"{index}.wav"
        with wave.open(str(path), "wb") as written:
            written.setnchannels(1)
            written.setsampwidth(2)
            written.setframerate(RATE_HZ)
            written.writeframes(to_int16(chunk).tobytes())
        with wave.open(str(path), "rb") as read:
            pcm = np.frombuffer(read.readframes(read.getnframes()), dtype="<i2")
        samples = pcm.astype(np.float32) / np.float32(32_767)
        together = np.concatenate([together, pause, samples]) if index else samples
        path.unlink()
    with PyavEncoder().encode(
        [together], sample_rate_hz=RATE_HZ, audio_format=AudioFormat.OPUS, bitrate_kbps=128
    ) as encoded:
        (folder / "naive.ogg").write_bytes(encoded.content.read())


WAYS: dict[str, Callable[[int, Path], None]] = {
    "ours, batch": ours,
    "ours, stream": ours_streamed,
    "naive": naive,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one way for one length of audio."""

    cpu_seconds: float
    peak_bytes: int


def _speaker(folder: Path) -> Speak:
    return Speak(
        model=InstantModel(),
        references=References(voices=FilesystemVoices(root=folder), decoder=PyavDecoder()),
        encoder=PyavEncoder(),
        stretch=stretched,
        store=FilesystemStore(root=folder),
        default_voice="default",
    )


def _request(minutes: int) -> SpeechRequest:
    return SpeechRequest(text=SENTENCE * _chunk_count(minutes), max_chars_per_chunk=len(SENTENCE))


def _chunk_count(minutes: int) -> int:
    return math.ceil(minutes * 60 / CHUNK_SECONDS)


def _measure(way: str, minutes: int) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        WAYS[way](1, Path(folder))  # loads libraries, so that only the audio counts below
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.process_time()
        WAYS[way](minutes, Path(folder))
        spent = time.process_time() - began
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Cost(spent, (after - before) * 1024)


def measure(way: str, minutes: int) -> Cost:
    """Run ``way`` for ``minutes`` of audio in a process of its own, on one core's clock."""
    return in_a_new_process(_measure, way, minutes)


def rows(lengths: Sequence[int]) -> Iterator[str]:
    """Yield the table, a line at a time as it is measured."""
    yield "| minutes of audio | way | CPU s per hour of audio | of the audio | peak MB over 1 min |"
    yield "|---:|---|---:|---:|---:|"
    costs: dict[tuple[str, int], Cost] = {}
    for minutes in lengths:
        for way in WAYS:
            cost = costs[way, minutes] = measure(way, minutes)
            yield (
                f"| {minutes} | {way} | {cost.cpu_seconds * 60 / minutes:.1f}"
                f" | {cost.cpu_seconds / (minutes * 60):.2%} | {cost.peak_bytes / 2**20:.1f} |"
            )
    longest = max(lengths)
    theirs, own = costs["naive", longest], costs["ours, batch", longest]
    yield ""
    for language, sentence in TEXTS.items():
        text = sentence * (1_000_000 // len(sentence))
        began = time.process_time()
        plan_chunks(text, limit=300)
        spent = time.process_time() - began
        yield f"Planning {len(text)} characters of {language}: {spent:.2f} CPU s."
    yield (
        f"At {longest} minutes the naive way costs {theirs.cpu_seconds / own.cpu_seconds:.2f} times"
        f" the CPU time and {theirs.peak_bytes / max(own.peak_bytes, 2**20):.0f} times the memory."
    )


def main() -> None:
    """Print the table for the lengths of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 10, 60])
    for row in rows(parser.parse_args().minutes):
        print(row, flush=True)


if __name__ == "__main__":
    main()
