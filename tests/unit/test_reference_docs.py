"""The reference pages list what the code has: variables, engines, commands."""

import importlib.util
import re
from pathlib import Path

import pytest
from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from application.engine_choice import AUTO
from application.ports.speech_model import ModelStatus, SpeechModel
from entrypoints.container import Container, engine_names
from entrypoints.settings.settings import CliSettings, Settings, load_settings
from tests.docs import command_line_page

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
CONFIGURATION = (REFERENCE / "configuration.md").read_text()
OWN_VARIABLES = CONFIGURATION.partition("\n## Variables of other programs\n")[0]
ENGINE_ROWS = re.findall(
    r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$",
    (REFERENCE / "engines.md").read_text(),
    re.MULTILINE,
)


def variables_of(name: str, field: FieldInfo) -> list[str]:
    """Return the environment variables that a field of the settings is read from."""
    if isinstance(field.validation_alias, AliasChoices):
        return [str(choice) for choice in field.validation_alias.choices]
    return [name.upper()]


def rows() -> dict[str, str]:
    """Return the cell of the default for each variable on the page."""
    found = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", OWN_VARIABLES, re.MULTILINE)
    return {name: default for cell, default in found for name in re.findall(r"`(\w+)`", cell)}


def test_every_variable_is_on_the_page_and_no_other() -> None:
    known = [
        variable
        for name, field in Settings.model_fields.items()
        for variable in variables_of(name, field)
    ]

    assert sorted(rows()) == sorted(known)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, field in Settings.model_fields.items()
        if isinstance(field.default, bool | int | float)
    ],
)
def test_a_default_on_the_page_is_that_of_the_settings(name: str) -> None:
    default = str(Settings.model_fields[name].default).lower()

    assert re.match(rf"`?{default}\b", rows()[name.upper()])


def test_the_values_of_tts_engine_are_on_the_page() -> None:
    [line] = re.findall(r"^\| `TTS_ENGINE` .*$", CONFIGURATION, re.MULTILINE)

    told = re.findall(r"`(\w+)`", line.partition("one of ")[2].partition(";")[0])
    assert told == list(engine_names())


def engine(name: str) -> SpeechModel:
    found: SpeechModel = Container(settings=load_settings(CliSettings)).engines()[name]
    return found


def test_every_engine_is_in_the_table_in_the_containers_order() -> None:
    assert [row[0] for row in ENGINE_ROWS] == [name for name in engine_names() if name != AUTO]


@pytest.mark.parametrize("row", ENGINE_ROWS, ids=[row[0] for row in ENGINE_ROWS])
def test_a_row_of_the_engines_is_what_the_model_says_of_itself(
    monkeypatch: pytest.MonkeyPatch, row: tuple[str, ...]
) -> None:
    name, device, clones_voices, rate, _ = row
    monkeypatch.setenv("DEVICE", "cuda")
    on_gpu = engine(name).info
    monkeypatch.setenv("DEVICE", "cpu")
    info = engine(name).info

    assert not info.uses_gpu
    assert info.name == name
    assert device == ("GPU or CPU" if on_gpu.uses_gpu else "CPU")
    assert clones_voices == ("yes" if info.clones_voices else "no")
    assert rate == f"{info.sample_rate_hz:,} Hz".replace(",", " ")


@pytest.mark.parametrize("row", ENGINE_ROWS, ids=[row[0] for row in ENGINE_ROWS])
def test_a_row_of_the_engines_names_the_extras_to_install(
    monkeypatch: pytest.MonkeyPatch, row: tuple[str, ...]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)  # nothing is installed
    status: ModelStatus = engine(row[0]).status()

    assert tuple(re.findall(r"the extra `(\w+)`", row[4])) == status.extras


def test_the_page_on_the_command_line_is_what_the_commands_print() -> None:
    assert command_line_page.PAGE.read_text() == command_line_page.render(), (
        "run: python -m tests.docs.command_line_page"
    )
