from collections.abc import Mapping, Sequence

from application.ports.voices import FileVersion, RemoteFile
from application.voice_sync import VoiceSync
from domain.voice import LARGEST_FILE_BYTES


class ListedVoices:
    """A place that holds what it is told; every file reads as its own name."""

    def __init__(self, *remotes: RemoteFile) -> None:
        self.remotes = remotes

    def list(self) -> Sequence[RemoteFile]:
        return self.remotes

    def read(self, remote: RemoteFile) -> bytes:
        return remote.file.encode()


class MemoryMirror:
    """A voices folder in memory."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[FileVersion, bytes]] = {}

    def versions(self) -> Mapping[str, FileVersion]:
        return {file: version for file, (version, _) in self.files.items()}

    def replace(self, remote: RemoteFile, content: bytes) -> None:
        self.files[remote.file] = (remote.version, content)


def remote(file: str, etag: str = "e", size: int = 1) -> RemoteFile:
    return RemoteFile(file, FileVersion(etag, size))


def test_a_file_is_changed_when_its_etag_or_its_size_is() -> None:
    mirror = MemoryMirror()
    VoiceSync(source=ListedVoices(*map(remote, ("a.wav", "b.wav", "c.wav"))), mirror=mirror).run()

    now = ListedVoices(remote("a.wav"), remote("b.wav", etag="f"), remote("c.wav", size=2))
    report = VoiceSync(source=now, mirror=mirror).run()

    assert report.fetched == ("b.wav", "c.wav")
    assert report.unchanged == ("a.wav",)


def test_no_name_leads_out_of_the_folder() -> None:
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

    report = VoiceSync(source=ListedVoices(*map(remote, names)), mirror=mirror).run()

    assert mirror.files == {}
    assert sorted(report.ignored) == sorted(names)


def test_a_file_too_large_for_a_recording_is_not_fetched() -> None:
    mirror = MemoryMirror()
    source = ListedVoices(
        remote("fits.wav", size=LARGEST_FILE_BYTES), remote("huge.wav", size=LARGEST_FILE_BYTES + 1)
    )

    report = VoiceSync(source=source, mirror=mirror).run()

    assert (report.fetched, report.ignored) == (("fits.wav",), ("huge.wav",))
