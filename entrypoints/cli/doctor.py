"""``indextts-runpod doctor``: what is installed, found and missing."""

import click

from application.ports.storage import ObjectStore
from entrypoints.cli.findings import Finding, has_problem, print_json, print_lines
from entrypoints.cli.package_checks import check_packages, check_product
from entrypoints.cli.part_checks import (
    check_bucket,
    check_default_voice,
    check_engines,
    check_inline_answers,
    check_output_folder,
    check_voices,
)
from entrypoints.cli.start import start
from entrypoints.container import Container
from entrypoints.exit_codes import JOB_FAILED
from entrypoints.settings.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print one JSON object and nothing else")
def doctor(*, as_json: bool) -> int:
    """Say what is installed, found and missing, and what to do.

    Each line is ok, a PROBLEM that lets jobs fail, or a note (-) of something that is not needed
    here. The exit status is 1 if there is a problem.
    """
    findings = _examine(*start())
    if as_json:
        print_json(findings)
    else:
        print_lines(findings)
    return JOB_FAILED if has_problem(findings) else 0


def _examine(settings: Settings, container: Container) -> list[Finding]:
    choice = container.engine_choice()
    references = container.references()
    uses_s3 = settings.object_store == "s3" or bool(settings.voices_s3_uri)
    return [
        check_product(),
        *check_packages(engine=choice.model.info.name, uses_s3=uses_s3),
        *check_engines(choice),
        *check_voices(references, container.voices(), folder=settings.audio_voices_dir),
        *check_default_voice(references, settings.default_voice),
        _check_output(settings, container.store()),
    ]


def _check_output(settings: Settings, store: ObjectStore) -> Finding:
    if settings.object_store == "s3":
        return check_bucket(
            store, bucket=settings.s3_bucket_name, endpoint_url=settings.s3_endpoint_url
        )
    if settings.object_store == "inline":
        return check_inline_answers(store)
    return check_output_folder(store, folder=settings.output_audio_dir)
