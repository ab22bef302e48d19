"""What every image holds, and what it must not hold."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.container import Container, container_of
from tests.image.layers import layers_of, packed_bytes

ROOT = Path(__file__).parents[2]
TARGETS = ["preview", "gpu", "baked"]
PROGRAMS_OF_BUILDS = ("gcc", "cc", "g++", "c++", "clang", "make", "git")


@pytest.fixture(scope="module", params=TARGETS)
def container(request: pytest.FixtureRequest) -> Iterator[Container]:
    """Make a container in which nothing has run."""
    with container_of(request.getfixturevalue(f"{request.param}_image")) as untouched:
        yield untouched


def test_no_compiler_and_no_git(container: Container) -> None:
    folders = [container.root / name for name in ("usr/bin", "usr/local/bin", "opt/app/bin")]

    found = [name for name in PROGRAMS_OF_BUILDS for folder in folders if (folder / name).exists()]
    assert found == []


def test_no_caches_of_installers(container: Container) -> None:
    for folder in ("root/.cache", "tmp", "build", "var/lib/apt/lists", "var/cache/apt/archives"):
        files = [path for path in (container.root / folder).rglob("*") if path.suffix != ".lock"]
        assert [path for path in files if path.is_file() and path.stat().st_size] == [], folder


def test_no_settings_of_the_machine_that_built_it(container: Container) -> None:
    for name in ("etc/pip.conf", "run/host-certificates.crt"):
        path = container.root / name
        assert not path.exists() or path.stat().st_size == 0, name


def test_an_update_of_the_code_is_one_small_layer(container: Container) -> None:
    assert layers_of(container.image)[-1].split()[-1] == "/app"
    assert packed_bytes(container.root / "app") < 1_000_000


def test_the_application_and_nothing_else_of_the_repository(container: Container) -> None:
    names = {path.name for path in (container.root / "app").iterdir()}

    assert {name for name in names if not name.endswith(".dist-info")} == {
        *("adapters", "application", "bin", "domain", "entrypoints", "handler.py")
    }


def test_labels_tell_what_it_is(container: Container) -> None:
    labels = container.config["Labels"]
    prefix = "org.opencontainers.image."
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert labels[f"{prefix}title"] == project["name"]
    assert labels[f"{prefix}version"] == project["version"]
    # Of the commit that built the application first: buildah 1.28 takes a LABEL from its cache
    # without a look at the build arguments in it.
    assert re.fullmatch(r"[0-9a-f]{40}", labels[f"{prefix}revision"])
    assert labels[f"{prefix}licenses"].startswith(project["license"])
