"""Further names of voices: those that the operator gave, and OpenAI's."""

from collections.abc import Callable

import pytest

from application.named_voices import OPENAI_NAMES, NamedVoices
from application.ports.voices import VoiceReader
from application.refreshed_voices import RefreshedVoices
from application.voice_sync import VoiceSync
from domain.errors import UnknownVoice
from entrypoints.container import Container
from entrypoints.exit_codes import SettingsError
from entrypoints.settings.settings import LocalSettings, load_settings
from tests.contracts.voice_repository import VoiceReaderContract
from tests.fakes.listed_voices import ListedVoices
from tests.fakes.memory_mirror import MemoryMirror
from tests.fakes.memory_voices import MemoryVoices

FILES = {"anna.wav": b"A", "default.ogg": b"D", "narrators/bob.mp3": b"B"}


class TestNamedVoices(VoiceReaderContract):
    def reader(self, files: dict[str, bytes]) -> VoiceReader:
        return NamedVoices(
            voices=MemoryVoices(files), aliases={"x": "gone"}, stand_ins=OPENAI_NAMES
        )


def named(files: dict[str, bytes] = FILES, **aliases: str) -> NamedVoices:
    return NamedVoices(voices=MemoryVoices(files), aliases=aliases, stand_ins=OPENAI_NAMES)


def test_an_alias_is_the_voice_under_the_voices_own_name() -> None:
    found = named(storyteller="narrators/bob").read("storyteller")

    assert (found.name, found.file) == ("narrators/bob", "narrators/bob.mp3")


def test_an_alias_may_name_the_file() -> None:
    assert named(storyteller="narrators/bob.mp3").read("storyteller").content == b"B"


def test_openais_names_mean_the_existing_voices_in_turn() -> None:
    voices = named()

    assert [voices.read(name).name for name in OPENAI_NAMES] == [
        *("anna", "default", "narrators/bob") * 4,
        "anna",
    ]


def test_an_alias_comes_before_the_order_and_a_recording_before_an_alias() -> None:
    voices = named(FILES | {"echo.wav": b"E"}, alloy="default", echo="default")

    assert voices.read("alloy").name == "default"
    assert voices.read("echo").content == b"E"


def test_an_alias_of_a_voice_that_is_gone_is_unknown() -> None:
    with pytest.raises(UnknownVoice, match="there is no voice named 'gone'"):
        named(alloy="gone").read("alloy")


def test_without_any_voice_openais_names_are_unknown() -> None:
    with pytest.raises(UnknownVoice, match="named 'alloy'; the voices folder is empty"):
        named({}).read("alloy")


def test_the_further_names_of_each_voice_are_told() -> None:
    voices = named(FILES | {"echo.wav": b"E"}, teller="narrators/bob.mp3", echo="anna", x="gone")

    assert voices.other_names() == {
        "anna": ["alloy", "sage", "cedar"],
        "default": ["ash", "fable", "shimmer"],
        "echo": ["ballad", "onyx", "verse"],
        "narrators/bob": ["teller", "coral", "nova", "marin"],
    }


def test_an_alias_of_a_voice_that_is_not_here_yet_is_fetched() -> None:
    mirror = MemoryMirror()
    voices = RefreshedVoices(
        voices=NamedVoices(voices=MemoryVoices(mirror.contents), aliases={"alloy": "anna"}),
        sync=VoiceSync(source=ListedVoices("anna.wav"), mirror=mirror),
        refresh_seconds=0,
        report=lambda _: None,
    )

    assert voices.read("alloy").file == "anna.wav"


@pytest.fixture
def aliases(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, str]]:
    def read(value: str) -> dict[str, str]:
        monkeypatch.setenv("VOICE_ALIASES", value)
        return load_settings(LocalSettings).voice_aliases

    return read


def test_aliases_are_pairs_by_commas(aliases: Callable[[str], dict[str, str]]) -> None:
    assert aliases(" , ") == {}
    assert aliases("alloy = anna, nova=narrators/bob,") == {
        "alloy": "anna",
        "nova": "narrators/bob",
    }


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("alloy", "must be pairs of a new name and a voice by commas, .*; not 'alloy'"),
        ("alloy=", "must be pairs"),
        ("alloy=../bob", "must be pairs"),
        ("=anna", "'' cannot be an alias"),
        ("/alloy=anna", "'/alloy' cannot be an alias"),
        ("alloy.wav=anna", "'alloy.wav' cannot be an alias"),
        ("default=anna", "default is the bundled voice's name; set DEFAULT_VOICE"),
        ("alloy=anna,alloy=bob", "names 'alloy' twice"),
        ("alloy=nova,nova=bob", "'alloy' must stand for a recording, not for the alias 'nova'"),
        ("alloy=alloy", "'alloy' must stand for a recording, not for the alias 'alloy'"),
    ],
)
def test_a_pair_that_cannot_be_used_is_told_at_start(
    aliases: Callable[[str], dict[str, str]], value: str, problem: str
) -> None:
    with pytest.raises(SettingsError, match=f"^VOICE_ALIASES: {problem}"):
        aliases(value)


def test_jobs_and_the_command_line_know_aliases_and_only_http_knows_openais_names(
    aliases: Callable[[str], dict[str, str]],
) -> None:
    assert aliases("storyteller=default")
    container = Container(settings=load_settings(LocalSettings))
    http, job, local = (
        part().find
        for part in (container.http_references, container.references, container.local_references)
    )

    for find in (http, job, local):
        assert find("storyteller").recording.name == "default"
    assert http("marin").recording.name == "default"
    for find in (job, local):
        with pytest.raises(UnknownVoice, match=r"named 'marin'; available: default$"):
            find("marin")
