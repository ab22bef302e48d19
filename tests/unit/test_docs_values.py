"""Every variable, path and JSON object that the documentation names is one of the product's."""

import json
import re
from pathlib import Path

import pytest
from pydantic import AliasChoices

from entrypoints.container import Container
from entrypoints.settings.settings import Settings, WorkerSettings, load_settings
from tests.docs.pages import BLOCKS, PAGES, ROOT, SPANS, Block, shown
from tests.docs.shell import Command, commands

VARIABLE = re.compile(r"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_?)(?:=\S*)?")
PATH = re.compile(
    r"(?:domain|application|adapters|entrypoints|tests|docs|benchmarks|scripts|docker|deploy|examples"
    r"|\.github|\.runpod|\.ci)/[\w./-]*\w"
    r"|[\w.-]+\.(?:toml|yaml|yml|md|cfg)|Dockerfile|Makefile|NOTICE|LICENSE|handler\.py|constraints\.txt"
)
MADE_BY_A_GUIDE = re.compile(r"adapters/hum/.*|tests/integration/test_hum\.py")
NOT_OF_THE_REPOSITORY = {
    "config.yaml": "of the checkpoint",
    "glossary.yaml": "of the checkpoint, a person's own",
}
OTHERS_VARIABLES = {
    "OPENAI_API_KEY": "OpenAI's clients",
    "OPENAI_BASE_URL": "OpenAI's clients",
    "RUNPOD_INIT_TIMEOUT": "RunPod",
    "HF_HUB_CACHE": "huggingface-hub",
    "HF_HOME": "huggingface-hub",
    "HF_HUB_OFFLINE": "huggingface-hub",
    "BASE": "of a guide, the address of the API",
    "KEY": "of a guide, the key of the API",
    "JOB": "of a guide, the id of a job",
    "REGISTRY": "of a guide, where an image goes",
    "HEAD": "of a guide, the address of Ray's first machine",
    "RAY_USAGE_STATS_ENABLED": "Ray",
}
WORDS = {
    "POST": "a method of HTTP",
    "PROBLEM": "a mark of doctor",
    "GPU": "a subject of doctor",
    "COMPLETED": "a status of a job on RunPod",
    "FAILED": "a status of a job on RunPod",
    "IN_PROGRESS": "a status of a job on RunPod",
    "INFO": "a level of the log",
    "WARNING": "a level of the log",
    "DEBUG": "a level of the log",
    "ERROR": "a level of the log",
    "CMD": "a line of the Dockerfile",
    "NAME": "the reader's choice stands in its place",
    "MY_BUCKET": "the reader's choice stands in its place",
    "REPOSITORY_URL": "the reader's choice stands in its place",
    "CONTRIBUTING": "a page",
    "SECURITY": "a page",
    "NOTICE": "a file",
    "BUCKET_": "the beginning of variables",
    "S3_": "the beginning of variables",
    "MISSING_PACKAGE": "a state of an engine",
    "MISSING_WEIGHTS": "a state of an engine",
    "NO_GPU": "a state of an engine",
}
S3 = {
    "S3_ENDPOINT_URL": "https://s3.example",
    "S3_ACCESS_KEY_ID": "id",
    "S3_SECRET_ACCESS_KEY": "key",
    "S3_BUCKET_NAME": "bucket",
}


def settings_variables() -> set[str]:
    found = set()
    for name, field in Settings.model_fields.items():
        choices = field.validation_alias
        found |= (
            {str(choice) for choice in choices.choices}
            if isinstance(choices, AliasChoices)
            else {name.upper()}
        )
    return found


def variables_of(file: str, pattern: str) -> set[str]:
    path = ROOT / file
    return set(re.findall(pattern, path.read_text(), re.MULTILINE)) if path.exists() else set()


KNOWN_VARIABLES = (
    settings_variables()
    | set(OTHERS_VARIABLES)
    | variables_of("Makefile", r"^(\w+) \?=")
    | variables_of(".github/workflows/release.yml", r"\bvars\.(\w+)")
    | variables_of(".github/workflows/release.yml", r"\bsecrets\.(\w+)")
    | variables_of(".github/workflows/images.yml", r"\bvars\.(\w+)")
    | variables_of("Dockerfile", r"^ARG (\w+)")
    | variables_of("scripts/build-image", r"\$\{?([A-Z]\w+)")
    | variables_of("Dockerfile", r"^(?:ENV|   ) ?(\w+)=")
)


def named_variables(page: Path) -> set[str]:
    """Return what looks like a variable in sentences, and what the commands set."""
    in_sentences = {
        found[1]
        for span in SPANS
        if span.page == page and (found := VARIABLE.fullmatch(span.text)) and len(span.text) > 2
    }
    in_commands = {
        name
        for block in BLOCKS
        if block.page == page and block.language == "sh"
        for command in commands(block.text)
        for name in (*command.assigned, *exported(command))
    }
    return in_sentences | in_commands


def exported(command: Command) -> list[str]:
    program, *words = command.words or ("",)
    return [word.partition("=")[0] for word in words] if program == "export" else []


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_a_variable_that_a_page_names_is_read_by_a_program(page: Path) -> None:
    assert named_variables(page) - KNOWN_VARIABLES - set(WORDS) == set()


def test_no_name_is_allowed_that_no_page_has() -> None:
    named = set().union(*map(named_variables, PAGES))
    in_blocks = {
        line.partition("=")[0]
        for block in BLOCKS
        if block.language == "env"
        for line in block.text.splitlines()
    }

    assert (set(OTHERS_VARIABLES) | set(WORDS)) - named - in_blocks == set()


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "env"], ids=str)
def test_the_worker_takes_the_variables_of_a_block(
    block: Block, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = dict(line.split("=", 1) for line in block.text.splitlines())
    assert set(values) <= KNOWN_VARIABLES
    for name, value in {**S3, **values}.items():
        monkeypatch.setenv(name, value)

    Container(settings=load_settings(WorkerSettings)).store()


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_a_file_that_a_page_names_exists(page: Path) -> None:
    named = {span.text for span in SPANS if span.page == page and PATH.fullmatch(span.text)}
    missing = {
        name
        for name in named - set(NOT_OF_THE_REPOSITORY)
        if not MADE_BY_A_GUIDE.fullmatch(name)
        and not any((folder / name).exists() for folder in (ROOT, page.parent))
    }

    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_an_object_in_a_sentence_is_json(page: Path) -> None:
    """Names without values stand for an object that has them, ``or`` between two values."""
    for span in SPANS:
        if span.page == page and span.text.startswith('{"') and "…" not in span.text:
            shape = re.sub(r'\{"\w+"(, "\w+")*\}', "{}", span.text)
            json.loads(re.sub(r'("\w+") or "\w+"', r"\1", shape))
