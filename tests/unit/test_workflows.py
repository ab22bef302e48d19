"""GitHub's workflows name what the repository has."""

import re
from typing import Any

import pytest
import yaml

from tests.loopback.worker_process import ROOT

WORKFLOWS = {
    path.name: yaml.safe_load(path.read_text())
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}


def jobs() -> list[dict[str, Any]]:
    return [job for workflow in WORKFLOWS.values() for job in workflow["jobs"].values()]


def commands() -> str:
    return "\n".join(step.get("run", "") for job in jobs() for step in job.get("steps", ()))


def image_build() -> dict[str, Any]:
    [found] = [
        step["with"]
        for job in jobs()
        for step in job.get("steps", ())
        if step.get("uses", "").startswith("docker/build-push-action@")
    ]
    return dict(found)


def dockerfile(pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / "Dockerfile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("target", re.findall(r"\bmake ([\w-]+)", commands()))
def test_a_make_target_of_a_workflow_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_every_published_target_is_in_the_dockerfile() -> None:
    published = WORKFLOWS["release.yml"]["jobs"]["publish"]["strategy"]["matrix"]["include"]

    assert {each["target"] for each in published} <= dockerfile(r"^FROM .* AS (\S+)$")


def test_every_build_argument_is_in_the_dockerfile() -> None:
    given = {line.partition("=")[0] for line in image_build()["build-args"].splitlines()}

    assert given <= dockerfile(r"^ARG (\w+)")


def test_an_image_is_published_only_after_all_checks() -> None:
    release = WORKFLOWS["release.yml"]["jobs"]
    checks = {name for name, job in release.items() if "uses" in job}

    assert set(release["publish"]["needs"]) == checks
    assert {release[name]["uses"] for name in checks} == {
        f"./.github/workflows/{name}" for name in WORKFLOWS if name != "release.yml"
    }


def test_no_registry_is_named() -> None:
    assert image_build()["tags"].startswith("${{ env.NAME }}:")
    assert WORKFLOWS["release.yml"]["jobs"]["publish"]["env"]["NAME"] == (
        "${{ vars.REGISTRY }}/${{ vars.IMAGE }}"
    )
