"""How this product was installed, and the commands that install its extras."""

import json
import shlex
import shutil
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

DISTRIBUTION = "indextts-runpod"
MODEL_PACKAGE = "indextts2-inference==2.1.1"
"""The package of the model. It is installed without its own requirements, because some are never
imported and break other builds of torch; so it cannot be a requirement of an extra."""


def product_command() -> str:
    """Return what starts the command line in this shell."""
    if shutil.which(DISTRIBUTION):
        return DISTRIBUTION
    script = Path(sys.executable).with_name(DISTRIBUTION)
    if script.exists():
        return shlex.quote(str(script))
    return shlex.join([sys.executable, "-m", "entrypoints.cli"])


def install_command(extra: str) -> str:
    """Return the shell command that installs ``extra`` for the interpreter that runs.

    This product is on no package index. An editable installation is extended from its clone; any
    other gets the requirements of the extra, and is itself left as it is.
    """
    clone = _clone()
    if clone:
        arguments = ["--editable", f"{clone}[{extra}]"]
    else:
        arguments = requirements(distribution(DISTRIBUTION), extra)
    commands = [[*_installer(), *arguments]]
    if extra == "indextts":
        commands.append([*_installer(), "--no-deps", MODEL_PACKAGE])
    return " && ".join(map(shlex.join, commands))


def install_advice(extras: Iterable[str]) -> list[str]:
    """Return one line for each of ``extras``: its name and the command that installs it."""
    return [
        f"to install the extra {extra}: {install_command(extra)}" for extra in dict.fromkeys(extras)
    ]


def requirements(found: Distribution, extra: str) -> list[str]:
    """Return what ``extra`` requires on this machine, as pip reads it, without its markers."""
    from packaging.requirements import Requirement

    required = []
    for requirement in map(Requirement, found.requires or ()):
        marker, requirement.marker = requirement.marker, None
        if marker and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""}):
            required.append(str(requirement))
    return required


def _clone() -> Path | None:
    """Return the folder of an editable installation, from the file of PEP 610; else None.

    A Python that runs in the clone finds the metadata that a build left there before the metadata
    of the installation, so all of them are read.
    """
    for found in distributions(name=DISTRIBUTION):
        origin = json.loads(found.read_text("direct_url.json") or "{}")
        if origin.get("dir_info", {}).get("editable"):
            folder = Path(url2pathname(urlsplit(origin["url"]).path))
            return folder if (folder / "pyproject.toml").is_file() else None
    return None


def _installer() -> list[str]:
    """Return pip of this interpreter, or uv where it made an environment without pip."""
    uv = shutil.which("uv")
    if uv and not find_spec("pip"):
        return [uv, "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install"]
