"""Every example of the API in the documentation is one that the schemas accept."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from domain import errors
from entrypoints.json_schema import schemas
from entrypoints.parsing import parse_job
from entrypoints.schemas import Question, SpeechInput
from entrypoints.worker.job_store import JobS3

DOCS = Path(__file__).parents[2] / "docs"
JOBS = (DOCS / "reference" / "jobs.md").read_text()
ERRORS = (DOCS / "reference" / "errors.md").read_text()
PAGE = "\n".join([(DOCS / "guides" / "first-requests.md").read_text(), JOBS, ERRORS])
EXAMPLES = re.findall(r"<!-- (\w+)(?:: (\w+))? -->\n```json\n(.*?)```", PAGE, re.DOTALL)
CURLS = re.findall(r"-d '(.*?)'", PAGE, re.DOTALL)
ERROR = re.compile(r"[a-z_]+: \S.*")


def check(schema: str, value: Any) -> None:
    jsonschema.validate(value, schemas()[f"{schema}.json"])


@pytest.mark.parametrize(("kind", "schema", "text"), EXAMPLES)
def test_an_example_is_what_the_schema_says(kind: str, schema: str, text: str) -> None:
    example = json.loads(text)
    if kind == "request":
        check(schema, example["input"])
        parse_job(example["input"])
        if "s3Config" in example:
            JobS3.model_validate(example["s3Config"])
    elif kind == "job":
        [only] = example["output"]
        check(schema, only)
    elif kind == "failed":
        assert ERROR.fullmatch(example["error"])
    else:
        check(schema, example)


def test_every_example_is_checked() -> None:
    assert len(EXAMPLES) == PAGE.count("```json")


@pytest.mark.parametrize("request_text", CURLS)
def test_a_curl_command_asks_for_what_the_worker_takes(request_text: str) -> None:
    parse_job(json.loads(request_text)["input"])


def table_of(section: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_every_field_is_in_the_table_and_no_other() -> None:
    fields = JOBS.partition("\n## Fields\n")[2].partition("\n## ")[0]
    assert table_of(fields) == set(SpeechInput.model_fields) | set(Question.model_fields)


def test_every_error_is_in_the_table_and_no_other() -> None:
    codes = {
        kind.code
        for kind in errors.SpeechError.__subclasses__()
        if kind.__module__ == errors.__name__
    }
    assert table_of(ERRORS) == codes | {errors.INTERNAL_ERROR}
