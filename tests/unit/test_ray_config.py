"""deploy/ray.yaml and deploy/kuberay.yaml agree with the settings and with one another."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from entrypoints.settings.settings import VOLUME, ServerSettings, load_settings
from tests.deployment.manifest import DEPLOY, manifest_object
from tests.loopback.worker_process import ROOT

CONFIG: dict[str, Any] = yaml.safe_load((DEPLOY / "ray.yaml").read_text())
SERVICE: dict[str, Any] = yaml.safe_load((DEPLOY / "kuberay.yaml").read_text())
CLUSTER = SERVICE["spec"]["rayClusterConfig"]
HEAD = CLUSTER["headGroupSpec"]["template"]["spec"]
[WORKERS] = CLUSTER["workerGroupSpecs"]
WORKER = WORKERS["template"]["spec"]
[DEPLOYMENT] = CONFIG["applications"][0]["deployments"]


def test_kuberay_serves_what_ray_serves() -> None:
    assert yaml.safe_load(SERVICE["spec"]["serveConfigV2"]) == CONFIG


def test_the_variables_of_a_replica_are_settings_that_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = CONFIG["applications"][0]["runtime_env"]["env_vars"]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert {name.lower() for name in variables} <= set(ServerSettings.model_fields)
    assert load_settings(ServerSettings).host == CONFIG["http_options"]["host"]


def test_a_pod_has_what_one_replica_asks_for() -> None:
    [container] = WORKER["containers"]
    wanted, offered = DEPLOYMENT["ray_actor_options"], container["resources"]["requests"]

    assert offered["nvidia.com/gpu"] == wanted["num_gpus"]
    assert int(offered["cpu"]) >= wanted["num_cpus"]
    assert WORKERS["maxReplicas"] == DEPLOYMENT["autoscaling_config"]["max_replicas"]


def test_a_running_request_may_end_before_its_pod_is_killed() -> None:
    assert WORKER["terminationGracePeriodSeconds"] > ServerSettings().job_timeout_seconds


def test_the_pods_have_the_version_of_this_project_and_of_ray() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    installed = re.search(r"^ray==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    images = {each["image"] for each in (*HEAD["containers"], *WORKER["containers"])}

    assert images == {f"{project['name']}:{project['version']}-ray"}
    assert installed
    assert CLUSTER["rayVersion"] == installed[1]


def test_a_replica_has_the_volume_and_the_secret_of_the_manifest() -> None:
    [container], [volume] = WORKER["containers"], WORKER["volumes"]
    [mount], [source] = container["volumeMounts"], container["envFrom"]
    claim = manifest_object("PersistentVolumeClaim")["metadata"]["name"]

    assert mount == {"name": volume["name"], "mountPath": str(VOLUME)}
    assert volume["persistentVolumeClaim"]["claimName"] == claim
    assert source["secretRef"]["name"] == manifest_object("Secret")["metadata"]["name"]
