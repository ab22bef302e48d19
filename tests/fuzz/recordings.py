"""Decode recordings that were damaged at random: ``python -m tests.fuzz.recordings --count 20000``.

Eight formats are made with PyAV in any of several channel counts and rates, then bits are flipped,
parts cut out, spliced in from other formats, repeated, or header fields overwritten. Whatever comes
of it must be a waveform within bounds or a ``BadReference``; this process must live.
"""

import argparse
import io
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import av
import numpy as np
import psutil
from av.audio.stream import AudioStream

from adapters.pyav.decoder import PyavDecoder
from domain.errors import BadReference
from domain.recording_limits import HIGHEST_RATE_HZ, LOWEST_RATE_HZ

LIMIT_SECONDS = 16.0
PARENT_BYTES = 256 * 2**20
CHILD_BYTES = 2**30

FORMATS = {
    "wav": ("wav", "pcm_s16le", (1, 2, 3, 7, 8, 9, 16, 64), (4_000, 16_000, 44_100, 192_000)),
    "float wav": ("wav", "pcm_f32le", (1, 2, 8), (16_000, 48_000)),
    "flac": ("flac", "flac", (1, 2, 6, 8), (8_000, 44_100, 96_000)),
    "mp3": ("mp3", "libmp3lame", (1, 2), (8_000, 22_050, 44_100)),
    "m4a": ("mp4", "aac", (1, 2, 6), (8_000, 44_100)),
    "ogg": ("ogg", "libopus", (1, 2, 6, 8), (48_000,)),
    "opus": ("ogg", "libopus", (1, 2), (8_000, 24_000)),
    "webm": ("webm", "libopus", (1, 2), (48_000,)),
    "aac": ("adts", "aac", (1, 2), (16_000, 44_100)),
}
"""Container, codec, channels, rates in Hz."""

LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 6: "5.1", 7: "6.1", 8: "7.1", 16: "hexadecagonal"}

FALSE_LENGTHS = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\1\0\0\0",
)


@dataclass
class Findings:
    """Outcomes of a run; ``slowest`` in seconds."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    parent_bytes: int = 0
    child_bytes: int = 0


def fuzz(*, count: int, seed: int) -> Findings:
    """Decode ``count`` damaged recordings.

    Raises:
        AssertionError: A result is neither a waveform within bounds nor a ``BadReference``.
    """
    draw = random.Random(seed)
    corpus = [content for name in FORMATS for content in _recordings(name)]
    decoder, this, found = PyavDecoder(), psutil.Process(), Findings()
    before = this.memory_info().rss
    for number in range(count):
        content = damaged(corpus, draw)
        began = time.perf_counter()
        found.outcomes[_outcome(decoder, content, number)] += 1
        found.slowest = max(found.slowest, time.perf_counter() - began)
        if number % 100 == 0:
            found.parent_bytes = max(found.parent_bytes, this.memory_info().rss - before)
            for child in this.children():
                found.child_bytes = max(found.child_bytes, child.memory_info().rss)
    assert found.parent_bytes < PARENT_BYTES
    assert found.child_bytes < CHILD_BYTES
    return found


def damaged(corpus: Sequence[bytes], draw: random.Random) -> bytes:
    """Return one of ``corpus`` after one to four mutations."""
    content = bytearray(draw.choice(corpus))
    for _ in range(draw.randint(1, 4)):
        mutation = draw.choice(MUTATIONS)
        mutation(content, corpus, draw)
    return bytes(content)


def _outcome(decoder: PyavDecoder, content: bytes, number: int) -> str:
    try:
        waveform = decoder.decode(content, name="x", limit_seconds=LIMIT_SECONDS)
        seconds = decoder.duration_seconds(content, name="x", limit_seconds=600)
    except BadReference as error:
        return error.message[:60] if "samples a second" not in error.message else "rate"
    assert LOWEST_RATE_HZ <= waveform.sample_rate_hz <= HIGHEST_RATE_HZ, number
    assert 0 < waveform.duration_seconds <= LIMIT_SECONDS + 0.001, number
    assert np.isfinite(waveform.samples).all(), number
    assert 0 <= seconds <= 600, number
    return "decoded"


def _flip_bits(content: bytearray, _: Sequence[bytes], draw: random.Random) -> None:
    for _bit in range(draw.choice((1, 3, 30, 300))):
        if content:
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)


def _falsify_the_header(content: bytearray, _: Sequence[bytes], draw: random.Random) -> None:
    for _field in range(draw.randint(1, 3)):
        place = draw.randrange(min(len(content), 200) + 1)
        value = draw.choice((*FALSE_LENGTHS, draw.randbytes(4), draw.randbytes(1)))
        content[place : place + len(value)] = value


def _truncate(content: bytearray, _: Sequence[bytes], draw: random.Random) -> None:
    del content[draw.randrange(len(content) + 1) :]


def _cut_out(content: bytearray, _: Sequence[bytes], draw: random.Random) -> None:
    place = draw.randrange(len(content) + 1)
    del content[place : place + draw.randint(1, 2_000)]


def _splice(content: bytearray, corpus: Sequence[bytes], draw: random.Random) -> None:
    other = draw.choice(corpus)
    start = draw.randrange(len(other))
    place = draw.randrange(len(content) + 1)
    content[place:place] = other[start : start + draw.randint(1, 20_000)]


def _repeat(content: bytearray, _: Sequence[bytes], draw: random.Random) -> None:
    if len(content) < 2_000_000:
        content.extend(bytes(content))


MUTATIONS: tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...] = (
    _flip_bits,
    _flip_bits,
    _falsify_the_header,
    _falsify_the_header,
    _truncate,
    _cut_out,
    _splice,
    _repeat,
)


def _recordings(name: str) -> list[bytes]:
    container, codec, channels, rates = FORMATS[name]
    return [encoded(container, codec, count, rate_hz) for count in channels for rate_hz in rates]


def encoded(container: str, codec: str, channels: int, rate_hz: int) -> bytes:
    """Encode half a second of noise, less of it with many channels."""
    layout = LAYOUTS.get(channels, f"{channels} channels")
    count = min(rate_hz // 2, 60_000 // channels)
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, count * channels)
    content = io.BytesIO()
    with av.open(content, "w", format=container) as opened:
        stream = cast("AudioStream", opened.add_stream(codec, rate=rate_hz, layout=layout))
        context = stream.codec_context
        resampler = av.AudioResampler(
            format=context.format.name, layout=layout, rate=rate_hz, frame_size=context.frame_size
        )
        frame = av.AudioFrame.from_ndarray(
            noise.astype(np.float32)[None], format="flt", layout=layout
        )
        frame.sample_rate = rate_hz
        for ready in (*resampler.resample(frame), *resampler.resample(None)):
            opened.mux(stream.encode(ready))
        opened.mux(stream.encode(None))
    return content.getvalue()


def main() -> None:
    """Run with the arguments of the command line, and print the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    found = fuzz(count=options.count, seed=options.seed)
    print(f"{options.count} recordings, seed {options.seed}: {time.perf_counter() - began:.0f} s")
    print(f"slowest {found.slowest:.2f} s; memory: parent +{found.parent_bytes / 2**20:.0f} MiB,")
    print(f"decoding process {found.child_bytes / 2**20:.0f} MiB")
    for outcome, times in found.outcomes.most_common():
        print(f"{times:7}  {outcome}")


if __name__ == "__main__":
    main()
