"""What a decoder gets out of a file."""

from pathlib import Path

import av


def seconds_of(file: Path) -> float:
    """Return the length of the audio in ``file``."""
    with av.open(str(file)) as opened:
        return float(sum(frame.samples / frame.sample_rate for frame in opened.decode(audio=0)))
