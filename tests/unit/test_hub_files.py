"""What RunPod's Hub reads says what the worker understands."""

import json
from pathlib import Path
from typing import Any

import pytest

from domain.errors import SpeechError
from entrypoints.parsing import parse_job
from entrypoints.settings.settings import WorkerSettings

ROOT = Path(__file__).parents[2]


def read(name: str) -> Any:
    return json.loads((ROOT / name).read_text())


def settings() -> set[str]:
    return {name.upper() for name in WorkerSettings.model_fields}


def variables_of_the_hub() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(".runpod/hub.json")["config"]["env"]
    return found


@pytest.mark.parametrize("variable", variables_of_the_hub(), ids=lambda found: str(found["key"]))
def test_every_variable_that_the_hub_offers_is_a_setting(variable: dict[str, Any]) -> None:
    assert variable["key"] in settings()
    shown = variable["input"]
    assert shown["type"] in ("string", "number", "boolean")
    if "default" in shown:
        default = WorkerSettings.model_fields[variable["key"].lower()].get_default()
        assert shown["default"] == getattr(default, "get_secret_value", lambda: default)()


def test_the_presets_of_the_hub_use_variables_that_it_offers() -> None:
    offered = {variable["key"] for variable in variables_of_the_hub()}
    for preset in read(".runpod/hub.json")["config"]["presets"]:
        assert set(preset["defaults"]) <= offered


def test_the_hubs_tests_are_jobs_that_the_worker_takes() -> None:
    found = read(".runpod/tests.json")
    for case in found["tests"]:
        parse_job(case["input"])
        assert 1_000 <= case["timeout"] <= 600_000
    assert {variable["key"] for variable in found["config"]["env"]} <= settings()


def test_the_example_job_is_one_that_the_worker_takes() -> None:
    try:
        parse_job(read("test_input.json")["input"])
    except SpeechError as error:
        pytest.fail(str(error))
