import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audio import Waveform
from domain.errors import BadReference, InvalidRequest
from domain.voice import (
    EXTENSIONS,
    Recording,
    choose_file,
    is_voice_name,
    renamed_file,
    shadowed_files,
    usable_reference,
    voice_name,
)
from domain.warnings import WarningCode

RATE = 16_000


def waveform(seconds: float, level: float = 0.3) -> Waveform:
    return Waveform(np.full(int(seconds * RATE), level, dtype=np.float32), RATE)


@pytest.mark.parametrize(
    "name",
    [
        "alice",
        "alice.wav",
        "narrators/alice",
        "a b",
        "v1.2",
        "爱丽丝",
        "José",
        "می\u200cخواهم",  # Persian is misspelt without its zero-width non-joiner
        "ක්\u200dෂ",  # and Sinhala without its joiner
        "👩\u200d🎤",
    ],
)
def test_accepts_names_below_the_folder(name: str) -> None:
    assert is_voice_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/../b", "/etc/passwd", "a//b", "a/", "a\\b", "a\0.wav", "a\n",
     ".hidden", "a/.hidden", "\ud800", "x" * 256, "a\x85", "a\x9b2J", "a\u2028", "a\u2029b",
     "a\u202eb", "\u2066a\u2069", "a\u200bb", "\ufeffa", "a\u00adb", "a\u200db", "\u200dක",
     "ක\u200d", "\ue000", "\U000e0041", "\u3164", "a\u2800"],
)  # fmt: skip
def test_refuses_names_that_could_lead_elsewhere(name: str) -> None:
    assert not is_voice_name(name)


@given(st.text())
def test_no_accepted_name_climbs(name: str) -> None:
    if is_voice_name(name):
        assert ".." not in name.split("/")
        assert not name.startswith("/")


def test_takes_the_file_of_a_stem_by_the_order_of_extensions() -> None:
    files = [f"alice{extension}" for extension in reversed(EXTENSIONS)]

    assert choose_file("alice", files) == "alice.wav"
    assert choose_file("alice", files[:-1]) == "alice.flac"
    assert choose_file("alice.mp3", files) == "alice.mp3"


def test_finds_endings_in_capitals_and_stems_with_dots() -> None:
    assert choose_file("alice", ["alice.WAV"]) == "alice.WAV"
    assert choose_file("v1.2", ["v1.2.wav"]) == "v1.2.wav"
    assert choose_file("n/alice", ["n/alice.ogg", "alice.wav"]) == "n/alice.ogg"


def test_a_file_that_is_no_recording_is_no_voice() -> None:
    assert choose_file("notes.txt", ["notes.txt"]) is None
    assert choose_file("notes", ["notes.txt"]) is None


@given(
    st.sets(st.sampled_from([f"{stem}{end}" for stem in ("a", "b", "n/a") for end in EXTENSIONS]))
)
def test_a_file_is_shadowed_exactly_where_its_name_means_another(files: set[str]) -> None:
    shadowed = shadowed_files(files)

    for file in files:
        assert choose_file(voice_name(file), files) == shadowed.get(file, file)


def test_a_renamed_voice_has_the_same_ending() -> None:
    assert renamed_file("n/alice.MP3", "bob") == "bob.MP3"
    assert renamed_file("alice.mp3", "n/bob.mp3") == "n/bob.mp3"
    with pytest.raises(InvalidRequest, match=r"keeps its ending, which is \.mp3"):
        renamed_file("alice.mp3", "bob.wav")


def test_a_voice_is_called_by_its_path_without_the_ending() -> None:
    assert voice_name("narrators/alice.wav") == "narrators/alice"


def test_cuts_a_long_reference_and_says_so() -> None:
    cut, warnings = usable_reference(waveform(16), name="alice.wav")

    assert cut.duration_seconds == 15
    [warning] = warnings
    assert warning.code is WarningCode.REFERENCE_CUT
    assert warning.message == (
        "reference alice.wav is longer than 15 s; only its first 15 s are used"
    )


def test_keeps_a_reference_of_the_right_length_as_it_is() -> None:
    whole = waveform(0.5)

    assert usable_reference(whole, name="alice.wav") == (whole, ())


@pytest.mark.parametrize(
    ("reference", "problem"), [(waveform(0.49), "0.49 s"), (waveform(3, 0.0005), "silent")]
)
def test_refuses_a_reference_without_a_voice(reference: Waveform, problem: str) -> None:
    with pytest.raises(BadReference, match=problem):
        usable_reference(reference, name="alice.wav")


@pytest.mark.parametrize("level", [17.0, -17.0, 1e30])
def test_refuses_a_reference_far_beyond_full_scale(level: float) -> None:
    with pytest.raises(BadReference, match=r"alice\.wav reaches .* times full scale"):
        usable_reference(waveform(1, level), name="alice.wav")


def test_a_recording_equals_itself_only_and_has_a_hash() -> None:
    one, other = (Recording("a", "a.wav", "0", waveform(1)) for _ in range(2))

    assert one == one
    assert one != other
    assert len({one, other, one}) == 2
