"""What RunPod's Hub reads says what the worker understands."""

import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import jsonschema
import pytest

from entrypoints.exit_codes import SettingsError
from entrypoints.parsing import parse_job
from entrypoints.settings.settings import ServerSettings, WorkerSettings, load_settings
from tests.deployment import hub_schemas

ROOT = Path(__file__).parents[2]

NOT_ASKED_FOR = {
    "API_KEYS": "RunPod's queue asks for its own key; only the HTTP server asks for these",
    "AUDIO_VOICES_DIR": "the network volume's own folder is where the guides put voices",
    "BAKED_WEIGHTS_DIR": "the image sets it where it carries weights",
    "CORS_ORIGINS": "only the HTTP server has browsers as clients",
    "CHECKPOINTS_DIR": "the network volume's own folder is where the guides put weights",
    "DEVICE": "a worker has one GPU, which is the default",
    "HOST": "a worker of a queue listens nowhere",
    "MAX_QUEUED_REQUESTS": "the queue is RunPod's own; only the HTTP server has another",
    "OUTPUT_AUDIO_DIR": "the network volume's own folder keeps audio that S3 did not accept",
    "PORT": "a worker of a queue listens nowhere",
    "PORT_HEALTH": "a worker of a queue listens nowhere",
    "PUBLIC_VOICE_LIST": "only the HTTP server has a list without a key",
    "TTS_ENGINE": "the image of the Hub has no engine but IndexTTS-2",
    "USE_CUDA_KERNEL": "it needs a compiler, which the image does not have",
    "VOICE_ALIASES": "jobs of a queue name the voices that their sender put there",
    "USE_DEEPSPEED": "it is accepted for older deployments and has no effect",
}
"""Settings that the Hub's form does not show, each with the reason."""

OWN_DEFAULTS = {"OBJECT_STORE": "inline"}
"""Defaults that differ from the worker's: a deployment from the Hub speaks before S3 is set up."""

OF_RUNPOD = {"RUNPOD_INIT_TIMEOUT", "RUNPOD_MIN_CUDA_VERSION"}
"""Variables that RunPod's platform and its SDK read."""

S3 = {
    "S3_ENDPOINT_URL": "https://s3.example.com",
    "S3_ACCESS_KEY_ID": "id",
    "S3_SECRET_ACCESS_KEY": "secret",
    "S3_BUCKET_NAME": "media",
}
DOWNLOAD_GB, IMAGE_GB, CONVERTED_GB = 9.0, 6.6, 4.8
"""Upper bounds of what the disk holds: the weights' files, the image, the conversion in float32."""
SPARE_GB = 10
"""For audio on its way, the unfinished file of a download, and a second conversion."""


def read(name: str) -> Any:
    return json.loads((ROOT / name).read_text())


HUB, TESTS = read(".runpod/hub.json"), read(".runpod/tests.json")
ASKED = {each["key"]: each["input"] for each in HUB["config"]["env"] if "input" in each}
SETTINGS = {name.upper(): field for name, field in WorkerSettings.model_fields.items()}
asked = pytest.mark.parametrize("name", ASKED)


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that reads one setting from a value of its variable, or from none."""

    def read_setting(name: str, value: object = None) -> Any:
        with monkeypatch.context() as patch:
            for variable in SETTINGS:
                patch.delenv(variable, raising=False)
            for variable, given in S3.items():
                patch.setenv(variable, given)
            if value is not None:
                patch.setenv(name, str(value).lower() if isinstance(value, bool) else str(value))
            return getattr(load_settings(WorkerSettings), name.lower())

    return read_setting


@pytest.mark.parametrize(
    ("found", "schema"),
    [(HUB, hub_schemas.HUB), (TESTS, hub_schemas.TESTS)],
    ids=["hub.json", "tests.json"],
)
def test_a_file_follows_the_hubs_guide(found: Any, schema: hub_schemas.Schema) -> None:
    jsonschema.validate(found, schema)


def test_the_hub_asks_for_every_setting_that_an_operator_needs_and_no_other() -> None:
    assert sorted([*ASKED, *NOT_ASKED_FOR]) == sorted(SETTINGS)


def test_every_variable_that_the_hub_asks_for_is_on_the_page() -> None:
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text()

    assert [name for name in ASKED if f"`{name}`" not in page] == []


@asked
def test_the_type_of_an_input_is_that_of_the_setting(name: str) -> None:
    kind = SETTINGS[name].annotation
    shown: dict[object, str] = {bool: "boolean", int: "number", float: "number"}

    assert ASKED[name]["type"] == shown.get(kind, "string")
    if get_origin(kind) is Literal:
        assert {option["value"] for option in ASKED[name]["options"]} <= set(get_args(kind))


@pytest.mark.parametrize("name", [name for name in ASKED if "default" in ASKED[name]])
def test_the_default_of_an_input_is_that_of_the_setting(setting: Any, name: str) -> None:
    expected = setting(name, OWN_DEFAULTS.get(name))

    assert setting(name, ASKED[name]["default"]) == expected


@pytest.mark.parametrize("name", [name for name in ASKED if ASKED[name]["type"] == "number"])
def test_the_bounds_of_a_number_are_those_of_the_setting(setting: Any, name: str) -> None:
    for bound, beyond in (("min", -1), ("max", 1)):
        if bound in ASKED[name]:
            setting(name, ASKED[name][bound])
            with pytest.raises(SettingsError, match=name):
                setting(name, ASKED[name][bound] + beyond)


@pytest.mark.parametrize("preset", HUB["config"]["presets"], ids=lambda each: str(each["name"]))
def test_a_preset_gives_values_that_the_worker_takes(setting: Any, preset: Any) -> None:
    for name, value in preset["defaults"].items():
        assert name in ASKED
        setting(name, value)


def test_a_variable_that_is_not_asked_for_is_read_by_the_worker_or_by_runpod() -> None:
    fixed = [each["key"] for each in HUB["config"]["env"] if "value" in each]

    assert {*fixed, *(each["key"] for each in TESTS["config"]["env"])} <= OF_RUNPOD | set(SETTINGS)


def test_the_hubs_tests_are_jobs_that_the_worker_takes(setting: Any) -> None:
    for case in TESTS["tests"]:
        parse_job(case["input"])
    for each in TESTS["config"]["env"]:
        if each["key"] not in OF_RUNPOD:
            setting(each["key"], each["value"])


def test_whichever_speech_job_comes_first_may_wait_for_the_weights() -> None:
    longest = WorkerSettings.model_fields["job_timeout_seconds"].default

    for case in TESTS["tests"]:
        if "text" in case["input"]:
            assert case["timeout"] >= longest * 1_000


def test_the_hubs_tests_run_where_a_deployment_may_run() -> None:
    assert TESTS["config"]["allowedCudaVersions"] == HUB["config"]["allowedCudaVersions"]


def test_the_disk_holds_the_image_the_weights_and_their_conversion() -> None:
    needed = IMAGE_GB + DOWNLOAD_GB + CONVERTED_GB + SPARE_GB

    assert HUB["config"]["containerDiskInGb"] >= needed


def test_the_example_job_is_one_that_the_worker_takes() -> None:
    parse_job(read("test_input.json")["input"])


BALANCED = read("deploy/runpod-load-balancing.json")


def test_the_listing_of_a_load_balancer_is_that_of_the_queue_with_another_environment() -> None:
    jsonschema.validate(BALANCED, hub_schemas.HUB)
    same = [name for name in HUB["config"] if name not in ("env", "presets")]

    assert BALANCED["config"]["endpointType"] == "LB"
    assert {name: BALANCED["config"][name] for name in same} == {
        name: HUB["config"][name] for name in same
    }


def test_a_load_balancers_listing_asks_for_nothing_but_settings_of_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked_of_queue = {each["key"]: each for each in HUB["config"]["env"]}
    for each in BALANCED["config"]["env"]:
        if each["key"] in asked_of_queue:
            assert each == asked_of_queue[each["key"]]
            continue
        value = each["value"] if "value" in each else each["input"]["default"]
        monkeypatch.setenv(each["key"], str(value))

    settings = load_settings(ServerSettings)

    assert (settings.port, settings.port_health, settings.max_queued_requests) == (8000, 8000, 32)
