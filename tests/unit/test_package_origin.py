"""Where the model's package comes from, on distributions made by the test."""

import importlib
import json
from pathlib import Path

import pytest

from adapters.indextts2.package_origin import find_origin


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a package folder with the package ``voices``."""
    site = tmp_path / "site"
    (site / "voices").mkdir(parents=True)
    (site / "voices" / "__init__.py").touch()
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    return site


def _install(site: Path, *, origin: dict[str, object] | None = None) -> None:
    metadata = site / "my_fork-3.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-fork\nVersion: 3.1\n")
    (metadata / "top_level.txt").write_text("voices\n")
    if origin:
        (metadata / "direct_url.json").write_text(json.dumps(origin))


def test_names_the_distribution_that_a_fork_gave_itself(site: Path) -> None:
    _install(site)

    assert str(find_origin("voices")) == "my-fork 3.1"


def test_names_repository_and_commit_without_what_the_address_keeps_secret(site: Path) -> None:
    _install(
        site,
        origin={
            "url": "https://me:token@example.org/my/fork.git?key=secret",
            "vcs_info": {"vcs": "git", "commit_id": "ee40fa7"},
        },
    )

    assert (
        str(find_origin("voices")) == "my-fork 3.1 from https://example.org/my/fork.git at ee40fa7"
    )


def test_names_the_folder_of_a_package_without_distribution(site: Path) -> None:
    assert str(find_origin("voices")) == f"the package voices from {site}"


def test_names_no_distribution_whose_package_another_folder_shadows(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(site)
    (tmp_path / "first" / "voices").mkdir(parents=True)
    (tmp_path / "first" / "voices" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "first")

    assert find_origin("voices").source == str(tmp_path / "first")
