"""deploy/kubernetes.yaml is valid, and agrees with the settings and with itself."""

import tomllib
from typing import Any

import kubernetes_validate
import pytest

from entrypoints.settings.settings import VOLUME, LocalSettings, load_settings
from tests.deployment.manifest import manifest_object, manifest_objects, pod, server
from tests.loopback.worker_process import ROOT

OLDEST_KUBERNETES = "1.30"
END_SECONDS = 30
"""For a process that has no job left: seconds until it must have ended."""

CONTAINERS = [*pod()["initContainers"], server()]
containers = pytest.mark.parametrize("container", CONTAINERS, ids=lambda each: str(each["name"]))


@pytest.mark.parametrize("found", manifest_objects(), ids=lambda each: str(each["kind"]))
def test_an_object_follows_the_schema_of_kubernetes(found: dict[str, Any]) -> None:
    kubernetes_validate.validate(found, OLDEST_KUBERNETES, strict=True)


def test_the_variables_are_settings_that_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {each["name"]: each["value"] for each in server()["env"]}
    variables = own | manifest_object("Secret")["stringData"]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert {name.lower() for name in variables} <= set(LocalSettings.model_fields)
    assert load_settings(LocalSettings).object_store == "s3"


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
    assert server()["args"][-1] == str(port["containerPort"])
