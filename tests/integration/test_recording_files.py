import os
from pathlib import Path

import pytest

from adapters.filesystem.recording_files import RecordingFiles
from domain.errors import BadReference, UnknownVoice
from tests.fakes.memory_voices import MemoryVoices


@pytest.fixture
def voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordingFiles:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alice.wav").write_bytes(b"a file")
    (tmp_path / "zoe").write_bytes(b"a file without an ending")
    return RecordingFiles(voices=MemoryVoices({"alice.wav": b"a voice", "n/bob.wav": b"B"}))


def test_a_path_means_the_recording_there(voices: RecordingFiles, tmp_path: Path) -> None:
    for path in ("./alice.wav", str(tmp_path / "alice.wav"), f"../{tmp_path.name}/alice.wav"):
        found = voices.read(path)
        assert (found.name, found.file, found.content) == ("alice", "alice.wav", b"a file")
    assert voices.read("zoe").content == b"a file without an ending"


def test_the_name_of_a_voice_comes_before_a_path(voices: RecordingFiles) -> None:
    assert voices.read("alice.wav").content == b"a voice"
    assert voices.read("n/bob").content == b"B"
    assert voices.list() == ["alice.wav", "n/bob.wav"]


@pytest.mark.parametrize(
    "name", ["./gone.wav", "nobody", ".", "", "a\0b", "x" * 5_000, "/" + "x" * 300]
)
def test_a_name_that_is_neither_voice_nor_file_is_an_unknown_voice(
    voices: RecordingFiles, name: str
) -> None:
    with pytest.raises(UnknownVoice):
        voices.read(name)


def test_refuses_what_cannot_be_a_recording_without_reading_it(
    voices: RecordingFiles, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge.wav").open("wb") as huge:
        huge.truncate(65 * 2**20)

    for name in ("./pipe", "./huge.wav", "/dev/zero"):
        with pytest.raises(BadReference, match="at most 64 MB"):
            voices.read(name)
