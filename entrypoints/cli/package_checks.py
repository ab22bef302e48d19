"""Checks of ``doctor`` on this product and the packages that it can use."""

import platform
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from application.ports.examination import Finding, Mark
from entrypoints.installation import DISTRIBUTION, product_command


@dataclass(frozen=True, slots=True)
class OptionalPackage:
    """A distribution that the extra ``extra`` installs, and what it provides."""

    name: str
    extra: str
    provides: str


_OPTIONAL_PACKAGES = (
    OptionalPackage("hibari-tts", "preview", "the preview engine"),
    OptionalPackage(
        "nemo_text_processing", "grammars", "numbers and abbreviations in words for indextts2"
    ),
    OptionalPackage("boto3", "worker", "storage in S3"),
    OptionalPackage("runpod", "worker", "the RunPod worker and serve --runpod"),
)


def check_product() -> Finding:
    """Report the version, and where the command is if the shell does not find it."""
    found = f"{version(DISTRIBUTION)}, Python {platform.python_version()}"
    command = product_command()
    advice = (
        () if command == DISTRIBUTION else (f"{DISTRIBUTION} is not on the PATH; use {command}",)
    )
    return Finding(subject=DISTRIBUTION, found=found, advice=advice)


def check_packages(*, engine: str, uses_s3: bool, is_worker: bool) -> list[Finding]:
    """Report every optional package; one that ``engine``, S3 or a worker needs must be there."""
    needed = set(_NEEDED.get(engine, ()))
    if uses_s3:
        needed.add("boto3")
    if is_worker:
        needed.add("runpod")
    return [_check_package(package, needed) for package in _OPTIONAL_PACKAGES]


_NEEDED: Mapping[str, AbstractSet[str]] = {
    "preview": {"hibari-tts"},
}
"""The packages without which an engine cannot speak, by the engine's name. What an engine examines
itself is not among them."""


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
            extras=(package.extra,),
        )
