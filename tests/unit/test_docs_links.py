"""Every link, path and page that the documentation names exists."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", ".github/**/*.md", "adapters/**/*.md", "examples/*.md")
    for path in ROOT.glob(pattern)
)
YAML_FILES = sorted((*(ROOT / ".github").rglob("*.yml"), ROOT / ".pre-commit-config.yaml"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE_PATH = re.compile(r"`((?:domain|application|adapters|entrypoints|tests|docs)/[\w./-]+)`")
PYTEST_NAME = re.compile(r"pytest ((?:\S+)\.py)::(\w+)")
MADE_BY_THE_GUIDE = re.compile(r"adapters/hum/|tests/integration/test_hum\.py")


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    """Return the page without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """Return GitHub's anchors of the page's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if re.match(r"\w+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), link
        if anchor:
            assert anchor in anchors(path), link


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    for name in CODE_PATH.findall(page.read_text()):
        if not MADE_BY_THE_GUIDE.match(name):
            assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:^ *|`)make ([\w-]+)", page.read_text(), re.MULTILINE)

    assert set(named) <= targets


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    for file, name in PYTEST_NAME.findall(page.read_text()):
        assert f"def {name}(" in (ROOT / file).read_text(), name


def test_every_page_named_in_code_exists() -> None:
    for layer in ("domain", "application", "adapters", "entrypoints", "tests", "benchmarks"):
        for path in (ROOT / layer).rglob("*.py"):
            for name in re.findall(r"\bdocs/[\w./-]+\.md\b", path.read_text()):
                assert (ROOT / name).exists(), f"{shown(path)}: {name}"


@pytest.mark.parametrize("path", YAML_FILES, ids=shown)
def test_every_yaml_file_can_be_read(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text()), dict)


def test_every_class_that_the_glossary_names_exists() -> None:
    sources = [
        path.read_text()
        for layer in ("domain", "application", "adapters", "entrypoints")
        for path in (ROOT / layer).rglob("*.py")
    ]
    defined = set(re.findall(r"^(?:class|def) (\w+)", "\n".join(sources), re.MULTILINE))
    glossary = (ROOT / "docs" / "glossary.md").read_text()

    assert set(re.findall(r"`([A-Z][a-z]\w+|\w+_of)`", glossary)) <= defined
