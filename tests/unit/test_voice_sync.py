"""Which files of a source a sync copies, and which it leaves alone."""

from application.voice_sync import VoiceSync
from domain.errors import StorageFailed
from domain.recording_limits import LARGEST_FILE_BYTES
from tests.fakes.listed_voices import ListedVoices
from tests.fakes.memory_mirror import MemoryMirror


def test_fetches_a_file_again_when_its_etag_or_its_size_changed() -> None:
    source, mirror = ListedVoices(), MemoryMirror()
    for file in ("a.wav", "b.wav", "c.wav"):
        source.put(file, b"1", etag="e")
    VoiceSync(source=source, mirror=mirror).run()

    source.put("b.wav", b"2", etag="f")
    source.put("c.wav", b"22", etag="e")
    report = VoiceSync(source=source, mirror=mirror).run()

    assert report.fetched == ("b.wav", "c.wav")
    assert report.unchanged == ("a.wav",)
    assert mirror.contents == {"a.wav": b"1", "b.wav": b"2", "c.wav": b"22"}


def test_ignores_names_that_lead_out_of_the_folder() -> None:
    mirror = MemoryMirror()
    names = (
        "../x.wav",
        "/etc/x.wav",
        "a/../../x.wav",
        "a//x.wav",
        "a\0.wav",
        "a\\b.wav",
        "./x.wav",
        "x" * 300,
    )

    report = VoiceSync(source=ListedVoices(*names), mirror=mirror).run()

    assert mirror.contents == {}
    assert sorted(report.ignored) == sorted(names)


def test_ignores_a_file_that_is_too_large_for_a_recording() -> None:
    source = ListedVoices()
    source.put("fits.wav", bytes(LARGEST_FILE_BYTES))
    source.put("huge.wav", bytes(LARGEST_FILE_BYTES + 1))

    report = VoiceSync(source=source, mirror=MemoryMirror()).run()

    assert (report.fetched, report.ignored) == (("fits.wav",), ("huge.wav",))


def test_reports_each_file_that_cannot_be_written() -> None:
    mirror = MemoryMirror()
    mirror.is_unwritable = True

    report = VoiceSync(source=ListedVoices("a.wav", "b.wav"), mirror=mirror).run()

    reason = StorageFailed("the voices folder cannot be written").message
    assert report.failed == (("a.wav", reason), ("b.wav", reason))


def test_a_recording_that_the_source_has_under_another_ending_is_removed() -> None:
    source, mirror = ListedVoices("alice.wav", "bob.wav", "carol.wav"), MemoryMirror()
    mirror.contents["alice.mp3"] = b"of this machine"
    sync = VoiceSync(source=source, mirror=mirror)
    sync.run()
    for file in ("alice.wav", "bob.wav"):
        source.remove(file)
    source.put("alice.ogg", b"new")
    source.put("carol.ogg", b"beside the old one")

    report = sync.run()

    assert report.replaced == ("alice.wav",)
    assert set(mirror.contents) == {
        "alice.mp3", "alice.ogg", "bob.wav", "carol.ogg", "carol.wav",
    }  # fmt: skip


def test_a_recording_stays_where_the_one_that_replaces_it_cannot_be_copied() -> None:
    source, mirror = ListedVoices("alice.wav"), MemoryMirror()
    sync = VoiceSync(source=source, mirror=mirror)
    sync.run()
    source.remove("alice.wav")
    source.put("alice.ogg", b"new")
    mirror.is_unwritable = True

    report = sync.run()

    assert ([file for file, _ in report.failed], report.replaced) == (["alice.ogg"], ())
    assert set(mirror.contents) == {"alice.wav"}
