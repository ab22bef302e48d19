"""The objects of deploy/kubernetes.yaml."""

from typing import Any

import yaml

from tests.loopback.worker_process import ROOT

DEPLOY = ROOT / "deploy"
MANIFEST = DEPLOY / "kubernetes.yaml"


def manifest_objects() -> list[dict[str, Any]]:
    """Return all objects, in the order of the file."""
    return list(yaml.safe_load_all(MANIFEST.read_text()))


def manifest_object(kind: str) -> dict[str, Any]:
    """Return the only object of a kind."""
    [found] = [each for each in manifest_objects() if each["kind"] == kind]
    return found


def pod() -> dict[str, Any]:
    """Return the specification of the pod."""
    found: dict[str, Any] = manifest_object("Deployment")["spec"]["template"]["spec"]
    return found


def server() -> dict[str, Any]:
    """Return the container that serves."""
    [found] = pod()["containers"]
    return dict(found)
