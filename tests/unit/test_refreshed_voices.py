"""When an unknown voice is looked for once more, and when it is not."""

from collections.abc import Callable, Sequence
from threading import Event, Thread

import pytest

from application.ports.voices import RemoteFile, VoiceFile
from application.refreshed_voices import RefreshedVoices
from application.voice_sync import VoiceSync, VoiceSyncReport
from domain.errors import StorageFailed, UnknownVoice
from tests.fakes.listed_voices import ListedVoices
from tests.fakes.memory_mirror import MemoryMirror
from tests.fakes.memory_voices import MemoryVoices

REFRESH_SECONDS = 300


class Studio:
    """A voices folder and the place that it mirrors; ``now`` is the time in seconds."""

    def __init__(self, source: ListedVoices | None = None) -> None:
        self.now = 1000.0
        self.source = source or ListedVoices()
        self.reports: list[VoiceSyncReport | StorageFailed] = []
        mirror = MemoryMirror()
        self.folder = MemoryVoices(mirror.contents)
        self.sync = VoiceSync(source=self.source, mirror=mirror, clock=lambda: self.now)
        self.voices = self.refreshed(self.folder)

    def refreshed(self, folder: MemoryVoices) -> RefreshedVoices:
        return RefreshedVoices(
            voices=folder,
            sync=self.sync,
            refresh_seconds=REFRESH_SECONDS,
            report=self.reports.append,
        )


def test_an_unknown_voice_is_fetched() -> None:
    studio = Studio(ListedVoices("narrators/alice.wav"))

    assert studio.voices.read("narrators/alice").file == "narrators/alice.wav"

    assert studio.reports == [VoiceSyncReport(fetched=("narrators/alice.wav",))]


def test_a_known_voice_costs_no_look_at_the_source() -> None:
    studio = Studio()
    studio.folder.files["bob.wav"] = b"B"

    assert studio.voices.read("bob").content == b"B"

    assert studio.reports == []


def test_what_can_be_no_name_costs_no_look_at_the_source() -> None:
    studio = Studio()

    with pytest.raises(UnknownVoice):
        studio.voices.read("../alice")

    assert studio.reports == []


@pytest.mark.parametrize(
    "first_look",
    [lambda studio: studio.sync.run(), lambda studio: studio.voices.read("bob")],
    ids=["at the start", "for a job"],
)
def test_looks_again_only_after_the_time_of_the_setting(
    first_look: Callable[[Studio], object],
) -> None:
    studio = Studio(ListedVoices("bob.wav"))
    first_look(studio)
    studio.source.put("alice.wav", b"A")

    studio.now += REFRESH_SECONDS - 1
    with pytest.raises(UnknownVoice):
        studio.voices.read("alice")
    studio.now += 1
    assert studio.voices.read("alice").content == b"A"


def test_a_look_that_fails_counts_and_leaves_the_voice_unknown() -> None:
    studio = Studio(ListedVoices("alice.wav"))
    studio.source.failure = StorageFailed("the object store cannot be reached")

    for _ in range(2):
        with pytest.raises(UnknownVoice, match="'alice'; the voices folder is empty"):
            studio.voices.read("alice")

    assert studio.reports == [studio.source.failure]


def test_a_voice_that_stays_unknown_is_told_the_names_that_were_fetched() -> None:
    studio = Studio(ListedVoices("alice.wav"))

    with pytest.raises(UnknownVoice, match="available: alice"):
        studio.voices.read("nobody")


class SlowVoices(ListedVoices):
    """A source whose list comes when ``is_open`` is set."""

    def __init__(self, *files: str) -> None:
        super().__init__(*files)
        self.is_asked, self.is_open = Event(), Event()

    def list(self) -> Sequence[RemoteFile]:
        self.is_asked.set()
        assert self.is_open.wait(30)
        return super().list()


class OpeningVoices(MemoryVoices):
    """A folder that opens the slow source once it was asked for a voice."""

    def __init__(self, files: dict[str, bytes], source: SlowVoices) -> None:
        super().__init__(files)
        self._source = source

    def read(self, name: str) -> VoiceFile:
        try:
            return super().read(name)
        finally:
            self._source.is_open.set()


def test_a_request_waits_for_the_look_of_another_and_makes_none_itself() -> None:
    source = SlowVoices("alice.wav", "bob.wav")
    studio = Studio(source)
    found: list[str] = []
    first = Thread(target=lambda: found.append(studio.voices.read("alice").file))
    first.start()
    assert source.is_asked.wait(30)
    second = studio.refreshed(OpeningVoices(studio.folder.files, source))

    found.append(second.read("bob").file)
    first.join(30)

    assert sorted(found) == ["alice.wav", "bob.wav"]
    assert len(studio.reports) == 1
