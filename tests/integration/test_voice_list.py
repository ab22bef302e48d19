"""The list of voices, whatever lies in the folder."""

from pathlib import Path

import pytest

from adapters.filesystem.voices import FilesystemVoices
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


def test_a_list_decodes_only_new_and_changed_files(folder: Path) -> None:
    decoder = RawDecoder()
    references = References(voices=FilesystemVoices(root=folder), decoder=decoder)
    (folder / "broken.wav").write_bytes(b"no recording")
    first = list(references.entries())
    assert decoder.decoded == {"alice.wav": 1, "broken.wav": 1, "default.ogg": 1}

    assert list(references.entries()) == first
    assert decoder.decoded.total() == 3

    (folder / "broken.wav").write_bytes(raw_recording(tone(16_000), 16_000))
    (folder / "bob.wav").symlink_to(folder / "alice.wav")
    assert [entry.problem for entry in references.entries() if "default" not in entry.name] == [
        "",
        "",
        "",
    ]
    assert decoder.decoded == {"alice.wav": 1, "broken.wav": 2, "default.ogg": 1, "bob.wav": 1}


def test_a_list_forgets_files_that_are_gone(folder: Path) -> None:
    decoder = RawDecoder()
    references = References(voices=FilesystemVoices(root=folder), decoder=decoder)
    list(references.entries())

    (folder / "alice.wav").rename(folder / "away.txt")
    assert [entry.file for entry in references.entries()] == ["default.ogg"]
    (folder / "away.txt").rename(folder / "alice.wav")
    list(references.entries())

    assert decoder.decoded["alice.wav"] == 2


@pytest.mark.parametrize(
    ("seconds", "listed_seconds"), [(15.5, 15.5), (100.0, 100.0), (700.0, 600.0)]
)
def test_a_long_recording_is_counted_not_decoded(
    folder: Path, seconds: float, listed_seconds: float
) -> None:
    (folder / "long.wav").write_bytes(raw_recording(tone(int(seconds * 4_000)), 4_000))

    assert listed(folder)["long.wav"].duration_seconds == listed_seconds
