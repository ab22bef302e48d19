"""Recordings of voices: what is decoded again, and what is not."""

import numpy as np

from application.references import KEPT_RECORDINGS, References
from tests.fakes.memory_voices import MemoryVoices
from tests.fakes.raw_codec import RawDecoder, raw_recording

BUZZ = np.tile(np.array([0.3, -0.3], dtype=np.float32), 16_000)


def test_a_recording_that_was_just_used_is_not_decoded_again() -> None:
    decoder = RawDecoder()
    voices = MemoryVoices({"alice.wav": raw_recording(BUZZ, 16_000)})
    references = References(voices=voices, decoder=decoder)
    assert references.find("alice") is references.find("alice")
    assert decoder.decoded == {"alice.wav": 1}


def test_a_recording_that_was_replaced_counts_at_once() -> None:
    voices = MemoryVoices({"alice.wav": raw_recording(BUZZ, 16_000)})
    references = References(voices=voices, decoder=RawDecoder())
    before = references.find("alice").recording
    voices.files["alice.wav"] = raw_recording(BUZZ * 0.5, 16_000)
    after = references.find("alice").recording
    assert after.digest != before.digest
    assert np.abs(after.waveform.samples).max() < np.abs(before.waveform.samples).max()


def test_only_the_latest_recordings_stay_decoded() -> None:
    decoder = RawDecoder()
    names = [f"voice{number}" for number in range(KEPT_RECORDINGS + 1)]
    voices = MemoryVoices({f"{name}.wav": raw_recording(BUZZ, 16_000) for name in names})
    references = References(voices=voices, decoder=decoder)
    for name in (*names, names[-1], names[0]):
        references.find(name)
    assert decoder.decoded == {f"{name}.wav": 1 for name in names} | {f"{names[0]}.wav": 2}
