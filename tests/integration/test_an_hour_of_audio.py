"""An hour in every format: apart from the other files, since few take as long.

Of silence, which has the length of any sound and is encoded twice as fast as a tone.
"""

from typing import BinaryIO

import av
import numpy as np
import pytest

from adapters.pyav.encoder import PyavEncoder
from domain.audio import AudioFormat


@pytest.mark.parametrize("audio_format", AudioFormat)
def test_an_hour_has_its_duration(audio_format: AudioFormat) -> None:
    second = np.zeros(22_050, np.float32)

    with PyavEncoder().encode(
        (second for _ in range(3_600)),
        sample_rate_hz=22_050,
        audio_format=audio_format,
        bitrate_kbps=32,
    ) as encoded:
        count, rate_hz = _decoded_length(encoded.content)

    assert count / rate_hz == pytest.approx(3_600, abs=0.048)
    assert count / rate_hz == pytest.approx(
        encoded.duration_seconds, abs=0.048 if audio_format is AudioFormat.MP3 else 0.010
    )


def _decoded_length(content: BinaryIO) -> tuple[int, int]:
    with av.open(content, "r") as opened:
        count = 0
        for frame in opened.decode(opened.streams.audio[0]):
            count += frame.samples
            rate_hz = frame.sample_rate
    return count, rate_hz
