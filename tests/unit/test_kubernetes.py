"""deploy/kubernetes.yaml is valid, and agrees with the settings and with itself."""

import tomllib
from typing import Any

import kubernetes_validate
import pytest
import yaml

from entrypoints.settings.settings import VOLUME, LocalSettings, load_settings
from tests.deployment.manifest import DEPLOY, manifest_object, manifest_objects, pod, server
from tests.loopback.worker_process import ROOT

OLDEST_KUBERNETES = "1.30"
END_SECONDS = 30
"""For a process that has no job left: seconds until it must have ended."""

CONTAINERS = [*pod()["initContainers"], server()]
containers = pytest.mark.parametrize("container", CONTAINERS, ids=lambda each: str(each["name"]))


INGRESS = yaml.safe_load((DEPLOY / "ingress.yaml").read_text())


@pytest.mark.parametrize(
    "found", [*manifest_objects(), INGRESS], ids=lambda each: str(each["kind"])
)
def test_an_object_follows_the_schema_of_kubernetes(found: dict[str, Any]) -> None:
    kubernetes_validate.validate(found, OLDEST_KUBERNETES, strict=True)


def test_the_variables_are_settings_that_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {each["name"]: each["value"] for each in server()["env"]}
    variables = own | manifest_object("Secret")["stringData"]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert {name.lower() for name in variables} <= set(LocalSettings.model_fields)
    settings = load_settings(LocalSettings)
    assert (settings.tts_engine, settings.accepted_keys) == ("indextts2", ("fill-in",))


def test_a_running_job_may_end_before_the_pod_is_killed() -> None:
    longest = LocalSettings().job_timeout_seconds

    assert pod()["terminationGracePeriodSeconds"] >= longest + END_SECONDS


def test_the_server_has_one_gpu() -> None:
    resources = server()["resources"]

    assert resources["limits"]["nvidia.com/gpu"] == resources["requests"]["nvidia.com/gpu"] == 1


@containers
def test_a_container_runs_the_version_of_this_project(container: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert container["image"] == f"{project['name']}:{project['version']}"


@containers
def test_a_container_has_the_volume_where_the_settings_look_for_it(
    container: dict[str, Any],
) -> None:
    claims = [
        each["name"]
        for each in pod()["volumes"]
        if each.get("persistentVolumeClaim", {}).get("claimName")
        == manifest_object("PersistentVolumeClaim")["metadata"]["name"]
    ]

    mounted = [each["mountPath"] for each in container["volumeMounts"] if each["name"] in claims]
    assert mounted == [str(VOLUME)]


@containers
def test_a_container_reads_the_secret_of_the_manifest(container: dict[str, Any]) -> None:
    [source] = container["envFrom"]

    assert source["secretRef"]["name"] == manifest_object("Secret")["metadata"]["name"]


def test_the_service_leads_to_the_port_of_the_server() -> None:
    service, labels = manifest_object("Service"), manifest_object("Deployment")["spec"]["template"]
    [port] = server()["ports"]

    assert service["spec"]["selector"] == labels["metadata"]["labels"]
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    assert {"name": "PORT", "value": str(port["containerPort"])} in server()["env"]


def test_a_pod_is_started_when_its_model_is_ready() -> None:
    probe = server()["startupProbe"]

    assert "/ping" in probe["exec"]["command"][-1]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 15 * 60


def test_a_busy_gpu_is_free_before_the_next_pod_wants_it() -> None:
    strategy = manifest_object("Deployment")["spec"]["strategy"]

    assert strategy["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_the_ingress_leads_to_the_service_as_the_proxy_leads_to_replicas() -> None:
    [rule] = INGRESS["spec"]["rules"]
    [path] = rule["http"]["paths"]
    prefix = "nginx.ingress.kubernetes.io/"
    said = {
        name.removeprefix(prefix): value
        for name, value in INGRESS["metadata"]["annotations"].items()
    }
    nginx = (DEPLOY / "nginx.conf").read_text()

    assert path["backend"]["service"]["name"] == manifest_object("Service")["metadata"]["name"]
    assert f"proxy_buffering {said['proxy-buffering']};" in nginx
    assert f"client_max_body_size {said['proxy-body-size']};" in nginx
    assert f"proxy_read_timeout {said['proxy-read-timeout']}s;" in nginx
    assert f"proxy_connect_timeout {said['proxy-connect-timeout']}s;" in nginx
    assert f"proxy_next_upstream {said['proxy-next-upstream']};" in nginx
