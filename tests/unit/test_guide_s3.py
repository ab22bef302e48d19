"""The policies and lifecycle rules of the guides are ones that S3 and the adapter agree with."""

import ast
import json
import re
from collections.abc import Iterator

import pytest
from botocore import xform_name
from botocore.model import ServiceModel
from botocore.session import get_session
from botocore.validate import ParamValidator

from tests.docs.pages import BLOCKS, ROOT, Block

RIGHTS = {
    "abort_multipart_upload": "s3:AbortMultipartUpload",
    "complete_multipart_upload": "s3:PutObject",
    "create_multipart_upload": "s3:PutObject",
    "delete_object": "s3:DeleteObject",
    "get_object": "s3:GetObject",
    "head_bucket": "s3:ListBucket",
    "head_object": "s3:GetObject",
    "list_objects_v2": "s3:ListBucket",
    "put_object": "s3:PutObject",
    "upload_part": "s3:PutObject",
}
"""The action that each call of the client needs, of AWS's list of actions for S3."""

OF_THE_BUCKET = {"s3:ListBucket"}


@pytest.fixture(scope="module")
def service() -> ServiceModel:
    return get_session().get_service_model("s3")


def calls(file: str, service: ServiceModel) -> set[str]:
    """Return the operations of S3 that a module of the adapter names: called, or as a string."""
    operations = {xform_name(name) for name in service.operation_names}
    return set(names(ast.parse((ROOT / "adapters" / "s3" / file).read_text()))) & operations


def names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def marked(mark: str) -> Block:
    [block] = [block for block in BLOCKS if block.mark == mark]
    return block


def rights_of(policy: str) -> dict[str, str]:
    """Return each action that the policy allows, with the resource that it is allowed on."""
    statements = json.loads(marked(policy).text)["Statement"]
    return {
        action: resource
        for statement in statements
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


VOICES = {"voices.py"}
MODULES = {path.name for path in (ROOT / "adapters" / "s3").glob("*.py")}


@pytest.mark.parametrize(
    ("policy", "modules"), [("policy: store", MODULES - VOICES), ("policy: voices", VOICES)]
)
def test_a_policy_allows_what_the_adapter_does_and_nothing_else(
    policy: str, modules: set[str], service: ServiceModel
) -> None:
    needed = {RIGHTS[call] for module in modules for call in calls(module, service)}

    assert set(rights_of(policy)) == needed


@pytest.mark.parametrize("policy", ["policy: store", "policy: voices"])
def test_a_right_stands_on_what_it_is_about(policy: str) -> None:
    for action, resource in rights_of(policy).items():
        assert ("/" in resource) == (action not in OF_THE_BUCKET), action


def test_the_guide_says_what_each_right_is_for() -> None:
    guide = (ROOT / "docs" / "guides" / "s3.md").read_text()

    assert set(re.findall(r"^\| `(s3:\w+)` \|", guide, re.MULTILINE)) == set(
        rights_of("policy: store")
    )


def test_s3s_lifecycle_rules_are_ones_that_the_service_takes(service: ServiceModel) -> None:
    shape = service.operation_model("PutBucketLifecycleConfiguration").input_shape
    assert shape is not None
    rules = json.loads(marked("lifecycle: s3").text)

    report = ParamValidator().validate(
        {"Bucket": "MY_BUCKET", "LifecycleConfiguration": rules}, shape
    )

    assert not report.has_errors(), report.generate_report()


def test_the_rules_remove_nothing_but_audio_and_parts() -> None:
    prefix = dict(
        line.split("=", 1)
        for block in BLOCKS
        if block.page.name == "s3.md" and block.language == "env"
        for line in block.text.splitlines()
    )["S3_PREFIX"]

    for rule in json.loads(marked("lifecycle: s3").text)["Rules"]:
        if "Expiration" in rule:
            assert rule["Filter"]["Prefix"] == prefix


def test_no_two_rules_of_b2_are_about_the_same_files() -> None:
    rules = json.loads(marked("lifecycle: b2").text)

    prefixes = [rule["fileNamePrefix"] for rule in rules]
    assert not any(
        one is not other and one.startswith(other) for one in prefixes for other in prefixes
    )
    for rule in rules:
        assert all(days > 0 for name, days in rule.items() if name != "fileNamePrefix")
