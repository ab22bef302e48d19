"""A job's own store: what is taken, what is refused, and that no key is shown."""

from typing import Any

import pytest
from dependency_injector.providers import Object

from application.speak import Speak
from domain.errors import InvalidRequest
from entrypoints.container import Container
from entrypoints.settings.settings import CliSettings, load_settings
from entrypoints.worker.job_store import JobS3, JobStores
from tests.models.tone import ToneModel

SECRET = "hunter2-hunter2"
CONFIG = {
    "accessId": "AKEXAMPLE",
    "accessSecret": SECRET,
    "bucketName": "clients",
    "endpointUrl": "https://s3.example.com",
}


class Recorded:
    """Keeps the stores that jobs named."""

    def __init__(self) -> None:
        self.named: list[JobS3] = []
        container = Container(settings=load_settings(CliSettings))
        container.model.override(Object(ToneModel()))
        self.speak = container.speak()

    def speak_into(self, job_s3: JobS3) -> Speak:
        self.named.append(job_s3)
        return self.speak


def taken(config: object) -> JobS3:
    recorded = Recorded()
    speak = JobStores(recorded.speak_into).speak_of({"s3Config": config}, is_stored=True)
    assert speak is recorded.speak
    [job_s3] = recorded.named
    return job_s3


def refused(config: object, *, is_allowed: bool = True, is_stored: bool = True) -> str:
    stores = JobStores(Recorded().speak_into if is_allowed else None)
    with pytest.raises(InvalidRequest) as error:
        stores.speak_of({"s3Config": config}, is_stored=is_stored)
    assert "hunter2" not in f"{error.value!s} {error.value!r}"
    return error.value.message


def test_takes_what_runpod_hands_over() -> None:
    job_s3 = taken(
        CONFIG | {"endpointUrl": "https://s3.example.com/clients/", "accessSecret": f"{SECRET}\n"}
    )
    assert (job_s3.endpoint_url, job_s3.bucket_name) == ("https://s3.example.com", "clients")
    assert job_s3.access_id.get_secret_value() == "AKEXAMPLE"
    assert job_s3.access_secret.get_secret_value() == SECRET


def test_no_key_is_shown() -> None:
    shown = f"{taken(CONFIG)!r} {taken(CONFIG)} {taken(CONFIG).model_dump_json()}"
    assert SECRET not in shown
    assert "AKEXAMPLE" not in shown


@pytest.mark.parametrize(
    "job", [{}, {"s3Config": None}, {"s3Config": {}}, {"s3Config": dict.fromkeys(CONFIG, "")}]
)
def test_a_job_that_names_no_store_uses_the_workers(job: dict[str, Any]) -> None:
    assert JobStores(None).speak_of(job, is_stored=True) is None


def test_a_worker_that_does_not_allow_it_refuses_the_job_and_names_the_setting() -> None:
    message = refused(CONFIG, is_allowed=False)
    assert message.startswith("s3Config: this worker takes no store from a job")
    assert "ALLOW_JOB_S3=true" in message


def test_a_job_whose_audio_is_not_stored_cannot_name_a_store() -> None:
    assert refused(CONFIG, is_stored=False).startswith("s3Config: goes with a batch job")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"bucketName": "a/b"}, "s3Config.bucketName: must be a bucket's name"),
        ({"bucketName": "arn:aws:s3:::b"}, "s3Config.bucketName: must be a bucket's name"),
        ({"bucketName": None}, "s3Config.bucketName: must be a string"),
        ({"endpointUrl": "file:///etc"}, "s3Config.endpointUrl: must be a URL that begins"),
        ({"endpointUrl": f"https://u:{SECRET}@h"}, "s3Config.endpointUrl: must be a URL without"),
        ({"accessId": ""}, "s3Config.accessId: must not be empty"),
        ({"accessSecret": f"{SECRET} x"}, "s3Config.accessSecret: must be printable ASCII"),
        ({"accessSecret": [SECRET]}, "s3Config.accessSecret: must be a string"),
        ({"bucket": SECRET}, "s3Config: has an unknown key 'bucket'; its keys are bucketName, "),
    ],
)
def test_each_problem_is_named_and_no_value_is_shown(changes: Any, problem: str) -> None:
    assert refused(CONFIG | changes).startswith(problem)


def test_each_missing_key_is_named() -> None:
    message = refused({"accessSecret": SECRET})
    for name in ("bucketName", "endpointUrl", "accessId"):
        assert f"s3Config.{name}: is missing" in message


def test_many_unknown_keys_are_counted() -> None:
    assert "990 more problems" in refused(CONFIG | {f"key{n}": "" for n in range(1000)})


def test_what_is_no_object_is_refused() -> None:
    assert refused("s3://clients").startswith("s3Config: must be an object with bucketName, ")


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("https://s3.eu-west-1.amazonaws.com", "eu-west-1"),
        ("https://clients.s3.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://s3.dualstack.us-east-2.amazonaws.com", "us-east-2"),
        ("https://s3.us-west-004.backblazeb2.com", "us-west-004"),
        ("https://s3.amazonaws.com", None),
        ("https://0a1b.r2.cloudflarestorage.com", None),
        ("http://minio:9000", None),
    ],
)
def test_the_region_is_that_of_the_endpoints_host(endpoint: str, region: str | None) -> None:
    assert taken(CONFIG | {"endpointUrl": endpoint}).region == region
