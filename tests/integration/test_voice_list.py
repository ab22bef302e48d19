"""The list of voices, whatever lies in the folder."""

from pathlib import Path

import pytest

from adapters.filesystem_voices import FilesystemVoices
from application.references import References, VoiceEntry
from tests.contracts.audio_codec import tone
from tests.fakes.raw_codec import RawDecoder, raw_recording


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "alice.wav").write_bytes(raw_recording(tone(32_000), 16_000))
    return tmp_path


def listed(folder: Path) -> dict[str, VoiceEntry]:
    references = References(voices=FilesystemVoices(root=folder), decoder=RawDecoder())
    return {entry.file: entry for entry in references.entries()}


def test_a_link_to_itself_is_a_line_with_a_problem(folder: Path) -> None:
    (folder / "loop.wav").symlink_to(folder / "loop.wav")

    entries = listed(folder)

    assert entries["loop.wav"].problem == "loop.wav cannot be read"
    assert entries["alice.wav"] == VoiceEntry("alice", "alice.wav", 2.0)


def test_a_file_too_large_is_a_line_with_a_problem(folder: Path) -> None:
    with (folder / "huge.wav").open("wb") as huge:
        huge.truncate(65 * 2**20)

    entries = listed(folder)

    assert "64 MB" in entries["huge.wav"].problem
    assert entries["alice.wav"].problem == ""


def test_a_file_that_is_deleted_while_the_list_is_read_is_left_out(folder: Path) -> None:
    (folder / "bob.wav").write_bytes(raw_recording(tone(16_000), 16_000))
    entries = References(voices=FilesystemVoices(root=folder), decoder=RawDecoder()).entries()

    first = next(entries)
    (folder / "bob.wav").unlink()

    assert [first.file, *(entry.file for entry in entries)] == ["alice.wav", "default.ogg"]
