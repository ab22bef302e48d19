"""Recordings that were made to harm whoever decodes them."""

import io
import wave

import av
import numpy as np
import pytest

from adapters.pyav.decoder import PyavDecoder
from application.references import References
from domain.errors import BadReference
from tests.fakes.memory_voices import MemoryVoices

DECODER = PyavDecoder()


def pcm_wav(channels: int, rate_hz: int, *, frames: int = 16_000) -> bytes:
    """Return a wav file in which channel ``n`` holds the constant ``100 * n``."""
    content = io.BytesIO()
    with wave.open(content, "wb") as sound:
        sound.setparams((channels, 2, rate_hz, 0, "NONE", ""))
        levels = 100 * np.arange(channels, dtype="<i2")
        sound.writeframes(np.tile(levels, frames).tobytes())
    return content.getvalue()


def float_wav(level: float) -> bytes:
    content = io.BytesIO()
    with av.open(content, "w", format="wav") as container:
        stream = container.add_stream("pcm_f32le", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.full((1, 16_000), level, dtype=np.float32), format="flt", layout="mono"
        )
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return content.getvalue()


@pytest.mark.parametrize("channels", [1, 2, 7, 8, 9, 16, 63, 64])
def test_up_to_64_channels_become_their_mean(channels: int) -> None:
    content = pcm_wav(channels, 16_000)

    decoded = DECODER.decode(content, name="choir.wav", limit_seconds=2)

    assert len(decoded.samples) == 16_000
    np.testing.assert_allclose(decoded.samples, 50 * (channels - 1) / 32_768, rtol=1e-5)


def test_more_channels_are_refused() -> None:
    with pytest.raises(BadReference, match=r"^bad_reference: choir\.wav has 65 channels"):
        DECODER.decode(pcm_wav(65, 16_000), name="choir.wav", limit_seconds=2)


@pytest.mark.parametrize("rate_hz", [1, 3_999, 768_001, 2**31 - 1])
def test_refuses_an_impossible_sample_rate(rate_hz: int) -> None:
    content = pcm_wav(1, rate_hz, frames=1_000)

    with pytest.raises(BadReference, match=rf"^bad_reference: odd\.wav has {rate_hz} samples"):
        DECODER.decode(content, name="odd.wav", limit_seconds=16)


@pytest.mark.parametrize("level", [17, 32_768, 1e30, 3e38])
def test_samples_far_beyond_full_scale_are_refused_before_any_inference(level: float) -> None:
    references = References(voices=MemoryVoices({"a.wav": float_wav(level)}), decoder=DECODER)

    with pytest.raises(BadReference, match=r"a\.wav .*full scale"):
        references.find("a")
