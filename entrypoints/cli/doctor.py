"""``indextts-runpod doctor``: what is installed, found and missing."""

from collections.abc import Iterator

import click

from application.engine_choice import EngineChoice
from application.ports.examination import Finding, Mark
from entrypoints.cli.findings import has_problem, print_json, print_lines
from entrypoints.cli.package_checks import check_packages, check_product
from entrypoints.cli.part_checks import (
    check_default_voice,
    check_engines,
    check_inline_answers,
    check_storage,
    check_voices,
)
from entrypoints.cli.setting_checks import check_settings
from entrypoints.container import Container
from entrypoints.exit_codes import JOB_FAILED
from entrypoints.logs import configure_logs
from entrypoints.settings.settings import CliSettings, Settings, WorkerSettings


@click.command()
@click.option("--worker", "for_worker", is_flag=True, help="check with the defaults of a worker")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object and nothing else")
def doctor(*, for_worker: bool, as_json: bool) -> int:
    """Say what is installed, found and missing, and what to do.

    Each line is ok, a PROBLEM that lets jobs fail, or a note (-) of something that is not needed
    here. The exit status is 1 if there is a problem.
    """
    settings, rows = check_settings(WorkerSettings if for_worker else CliSettings)
    findings = [check_product(), *(_parts(settings) if settings else [_NOT_CHECKED]), *rows]
    if as_json:
        print_json(findings)
    else:
        print_lines(findings)
    return JOB_FAILED if has_problem(findings) else 0


_NOT_CHECKED = Finding(
    subject="engine, voices, output",
    found="not checked until the settings below are right",
    mark=Mark.NOTE,
)


def _parts(settings: Settings) -> Iterator[Finding]:
    """Yield the findings on everything that ``settings`` lead to."""
    configure_logs(settings)
    container = Container(settings=settings)
    choice = container.engine_choice()
    references = container.references()
    uses_s3 = settings.object_store == "s3" or bool(settings.voices_s3_uri)
    yield from check_packages(
        engine=choice.model.info.name,
        uses_s3=uses_s3,
        is_worker=isinstance(settings, WorkerSettings),
    )
    yield from check_engines(choice)
    yield from _engine_needs(choice, container)
    yield from check_voices(references, container.voices(), folder=settings.audio_voices_dir)
    yield from check_default_voice(references, settings.default_voice)
    yield from _output(settings, container)


def _engine_needs(choice: EngineChoice, container: Container) -> Iterator[Finding]:
    """Examine the engine that speaks; where none can, also the ones that were passed over."""
    needed = {choice.model.info.name}
    if not choice.model.status().state.can_speak:
        needed |= {engine.engine for engine in choice.passed_over}
    for name, part in container.examinations().items():
        yield from part.examine() if name in needed else part.look()


def _output(settings: Settings, container: Container) -> list[Finding]:
    if settings.object_store == "inline":
        return [check_inline_answers(container.store())]
    place, advice = (
        (
            f"bucket {settings.s3_bucket_name} at {settings.s3_endpoint_url}",
            "check the S3_ variables, and that this machine reaches the endpoint",
        )
        if settings.object_store == "s3"
        else (
            str(settings.output_audio_dir),
            "set OUTPUT_AUDIO_DIR to a folder that you may write",
        )
    )
    storage = container.probed_storage()
    return check_storage(storage, kind=settings.object_store, place=place, advice=advice)
