from pathlib import Path

import jsonschema
import pytest

from entrypoints.json_schema import render, schemas

FOLDER = Path(__file__).parents[2] / "docs" / "api"


@pytest.mark.parametrize("name", schemas())
def test_the_schema_in_the_docs_is_current(name: str) -> None:
    told = (FOLDER / name).read_text()
    assert told == render(schemas()[name]), "run: python -m entrypoints.json_schema"


def test_the_docs_have_no_schema_that_is_gone() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == set(schemas())


@pytest.mark.parametrize("name", schemas())
def test_every_schema_is_valid(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas()[name])
