"""compose.yaml as docker compose reads it where no variable is set."""

import re
from typing import Any

import yaml

from tests.loopback.worker_process import ROOT


def compose_services() -> dict[str, dict[str, Any]]:
    """Return the services by name, with the default of each variable in its place."""
    text = (ROOT / "compose.yaml").read_text()
    with_defaults = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
    found: dict[str, dict[str, Any]] = yaml.safe_load(with_defaults)["services"]
    return found


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    """Return the variables as the container gets them."""
    return {
        name: "" if value is None else str(value) for name, value in service["environment"].items()
    }
