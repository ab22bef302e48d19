import pytest

from adapters.web.recordings import WebRecordings
from entrypoints.container import Container
from entrypoints.exit_codes import SettingsError
from entrypoints.settings.settings import LocalSettings, load_settings
from tests.contracts.recording_links import refusal, the_one_refusal


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("", ()),
        (" , ", ()),
        ("*", ("*",)),
        ("Media.Example.com., bücher.example", ("media.example.com", "xn--bcher-kva.example")),
    ],
)
def test_hosts_are_read_in_the_form_in_which_they_are_compared(
    monkeypatch: pytest.MonkeyPatch, value: str, hosts: tuple[str, ...]
) -> None:
    monkeypatch.setenv("VOICE_URL_HOSTS", value)

    assert load_settings(LocalSettings).voice_url_hosts == hosts


@pytest.mark.parametrize("value", ["https://a.com", "a.com/b", "*.a.com", "127.0.0.1", "a.com:80"])
def test_what_is_no_name_of_a_host_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("VOICE_URL_HOSTS", f"media.example.com,{value}")

    with pytest.raises(SettingsError, match=r"^VOICE_URL_HOSTS: must be names of hosts between"):
        load_settings(LocalSettings)


def test_no_url_is_fetched_unless_the_operator_names_its_host() -> None:
    links = Container(settings=load_settings(LocalSettings)).links()

    assert isinstance(links, WebRecordings)
    assert refusal(links, "https://media.example.com/a.wav") == the_one_refusal()
