"""The cache of reference features, in memory and on disk."""

import gc
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from adapters.indextts2.model import IndexTTS2Model
from adapters.indextts2.options import EngineOptions
from adapters.indextts2.reference.cache import CachingReferenceEncoder
from adapters.indextts2.reference.reference import Reference
from adapters.indextts2.weights.converted import fingerprint
from domain.delivery import Delivery, Sampling
from domain.voice import Recording
from tests.models.indextts2.speaking import HELLO, HIGH, LOW, audio_of, same
from tests.tiny_checkpoint.voices import recording

CPU = torch.device("cpu")


class CountingEncoder:
    """Returns tensors made of the recording, and counts how often each was encoded."""

    def __init__(self) -> None:
        self.encoded: Counter[str] = Counter()

    def encode(self, recording: Recording) -> Reference:
        self.encoded[recording.name] += 1
        tensor = torch.from_numpy(recording.waveform.samples[:8].copy())
        return Reference(*[tensor + index for index in range(6)])


def cached(
    encoder: CountingEncoder, folder: Path | None, *, model: str = "m", in_memory: int = 4
) -> CachingReferenceEncoder:
    return CachingReferenceEncoder(
        encoder=encoder,
        model_fingerprint=model,
        precision="float32",
        device=CPU,
        folder=folder,
        in_memory=in_memory,
        on_disk=5,
    )


def equal(one: Reference, other: Reference) -> bool:
    theirs = other.tensors()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.tensors().items())


def test_encodes_each_of_two_alternating_recordings_once() -> None:
    encoder = CountingEncoder()
    cache = cached(encoder, None)
    for _ in range(20):
        cache.encode(LOW)
        cache.encode(HIGH)
    assert encoder.encoded == {"low": 1, "high": 1}


def test_what_came_with_a_request_is_encoded_once_and_leaves_nothing_on_the_disk(
    tmp_path: Path,
) -> None:
    encoder = CountingEncoder()
    cache = cached(encoder, tmp_path)
    cache.encode(HIGH)
    kept = list(tmp_path.iterdir())
    for _ in range(2):
        cache.encode(replace(LOW, may_be_kept=False))
    assert encoder.encoded["low"] == 1
    assert list(tmp_path.iterdir()) == kept != []


def test_a_recording_replaced_under_its_name_changes_the_voice(model: IndexTTS2Model) -> None:
    before = audio_of(model, HELLO, voice=recording("alice", 100.0))
    after = audio_of(model, HELLO, voice=recording("alice", 300.0))
    assert not same(before, after)


def test_the_same_recording_under_another_name_is_encoded_once() -> None:
    encoder = CountingEncoder()
    cache = cached(encoder, None)
    cache.encode(LOW)
    cache.encode(replace(LOW, name="copy", file="copy.wav"))
    assert encoder.encoded.total() == 1


def test_memory_is_bounded_and_drops_the_least_recently_used() -> None:
    encoder = CountingEncoder()
    cache = cached(encoder, None, in_memory=2)
    third = recording("third", 330.0)
    for voice in (LOW, HIGH, LOW, third, LOW, HIGH):
        cache.encode(voice)
    assert encoder.encoded == {"low": 1, "high": 2, "third": 1}


def test_another_process_reads_references_from_disk(tmp_path: Path) -> None:
    first, second = CountingEncoder(), CountingEncoder()
    expected = cached(first, tmp_path).encode(LOW)
    assert equal(cached(second, tmp_path).encode(LOW), expected)
    assert second.encoded.total() == 0


def test_another_model_does_not_use_the_references_on_disk(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    cached(encoder, tmp_path, model="one").encode(LOW)
    cached(encoder, tmp_path, model="two").encode(LOW)
    assert encoder.encoded["low"] == 2


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "foreign"])
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: str) -> None:
    expected = cached(CountingEncoder(), tmp_path).encode(LOW)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    file.write_bytes(
        {"cut": content[:-5], "empty": b"", "flipped": flipped, "foreign": b"RIFF" * 50}[damage]
    )
    encoder = CountingEncoder()
    assert equal(cached(encoder, tmp_path).encode(LOW), expected)
    assert encoder.encoded["low"] == 1
    assert file.read_bytes() == content


def test_a_folder_that_cannot_be_written_fails_no_request(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    encoder = CountingEncoder()
    cached(encoder, blocked / "cache").encode(LOW)
    assert encoder.encoded["low"] == 1


def test_the_folder_keeps_a_bounded_number_of_files(tmp_path: Path) -> None:
    cache = cached(CountingEncoder(), tmp_path)
    for pitch in range(100, 108):
        cache.encode(recording(str(pitch), float(pitch)))
    assert len(list(tmp_path.iterdir())) == 5


def test_a_model_speaks_the_same_from_its_disk_cache(
    checkpoint: Path, model: IndexTTS2Model, tmp_path: Path
) -> None:
    expected = audio_of(model, HELLO)
    for _ in range(2):
        fresh = IndexTTS2Model(
            options=EngineOptions(
                checkpoints_dir=checkpoint, device="cpu", cache_dir=tmp_path, use_grammars=False
            )
        )
        assert same(audio_of(fresh, HELLO), expected)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_changed_weight_file_has_another_fingerprint(tmp_path: Path) -> None:
    file = tmp_path / "gpt.pth"
    seen = set()
    for content in (b"a" * 9, b"a" * 10, b"a" * 9 + b"b"):
        file.write_bytes(content)
        seen.add(fingerprint([file]))
    assert len(seen) == 3


def test_twenty_voices_and_a_hundred_requests_leave_memory_flat(model: IndexTTS2Model) -> None:
    shortest = Sampling(num_beams=1, max_mel_tokens=2, diffusion_steps=1)
    voices = [recording(str(pitch), float(pitch), seconds=0.5) for pitch in range(100, 120)]

    def speak_with_all() -> int:
        for voice in voices:
            audio_of(model, "Hello.", voice=voice, delivery=Delivery(1, sampling=shortest))
        gc.collect()
        return _resident_bytes()

    speak_with_all()
    after_twenty = speak_with_all()
    after_a_hundred = [speak_with_all() for _ in range(3)][-1]
    assert after_a_hundred - after_twenty < 16 << 20


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
