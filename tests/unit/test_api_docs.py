"""Every example of the API in the documentation is one that the schemas accept."""

import json
import re
from typing import Any

import jsonschema
import pytest

from domain import errors
from entrypoints.json_schema import schemas
from entrypoints.parsing import parse_job
from entrypoints.schemas import Question, SpeechInput
from entrypoints.worker.job_store import JobS3
from tests.docs.pages import BLOCKS, ROOT, Block

REFERENCE = ROOT / "docs" / "reference"
JOBS = (REFERENCE / "jobs.md").read_text()
ERRORS = (REFERENCE / "errors.md").read_text()
EXAMPLES = [block for block in BLOCKS if block.language == "json"]
CHECKED_ELSEWHERE = ("policy: ", "lifecycle: ")  # tests/unit/test_guide_s3.py
ERROR = re.compile(r"[a-z_]+: \S.*")


def check(schema: str, value: Any) -> None:
    jsonschema.validate(value, schemas()[f"{schema}.json"])


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_an_example_is_what_its_mark_says(block: Block) -> None:
    example = json.loads(block.text)
    kind, _, schema = block.mark.partition(": ")
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
    elif kind == "object":
        check(schema, example)
    else:
        assert block.mark.startswith(CHECKED_ELSEWHERE), "say above the block what it is"


def table_of(section: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_every_field_is_in_the_table_and_no_other() -> None:
    fields = JOBS.partition("\n## Fields\n")[2].partition("\n## ")[0]
    assert table_of(fields) == set(SpeechInput.model_fields) | set(Question.model_fields)


def test_every_error_is_in_the_table_and_no_other() -> None:
    codes = {
        kind.code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.SpeechError)
    }
    assert table_of(ERRORS) == codes | {errors.INTERNAL_ERROR}
