"""Checks of ``doctor`` on this product and the packages that it can use."""

import platform
import shutil
import sys
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from entrypoints.cli.findings import Finding, Mark
from entrypoints.installation import DISTRIBUTION, install_advice


@dataclass(frozen=True, slots=True)
class OptionalPackage:
    """A distribution that the extra ``extra`` installs, and what it provides."""

    name: str
    extra: str
    provides: str


_OPTIONAL_PACKAGES = (
    OptionalPackage("hibari-tts", "preview", "the preview engine"),
    OptionalPackage("torch", "indextts", "the indextts2 engine"),
    OptionalPackage("indextts2-inference", "indextts", "the indextts2 engine"),
    OptionalPackage(
        "nemo_text_processing", "grammars", "numbers and abbreviations in words for indextts2"
    ),
    OptionalPackage("boto3", "worker", "storage in S3"),
    OptionalPackage("runpod", "worker", "the RunPod worker and serve"),
)


def check_product() -> Finding:
    """Report the version, and where the command is if the shell does not find it."""
    found = f"{version(DISTRIBUTION)}, Python {platform.python_version()}"
    command = Path(sys.executable).with_name(DISTRIBUTION)
    is_reachable = shutil.which(DISTRIBUTION) or not command.exists()
    advice = () if is_reachable else (f"{DISTRIBUTION} is not on the PATH; it is {command}",)
    return Finding(subject=DISTRIBUTION, found=found, advice=advice)


def check_packages(*, engine: str, uses_s3: bool) -> list[Finding]:
    """Report every optional package; one that ``engine`` or S3 needs must be installed."""
    needed = {"preview": {"hibari-tts"}}.get(engine, {"torch", "indextts2-inference"})
    if uses_s3:
        needed = needed | {"boto3"}
    return [_check_package(package, needed) for package in _OPTIONAL_PACKAGES]


def _check_package(package: OptionalPackage, needed: AbstractSet[str]) -> Finding:
    try:
        found = f"{version(package.name)}, for {package.provides}"
        return Finding(subject=package.name, found=found)
    except PackageNotFoundError:
        is_needed = package.name in needed
        found = "not installed" if is_needed else "not installed, not needed here"
        return Finding(
            subject=package.name,
            found=f"{found}; it brings {package.provides}",
            mark=Mark.PROBLEM if is_needed else Mark.NOTE,
            advice=tuple(install_advice([package.extra])),
        )
