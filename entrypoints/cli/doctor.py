"""``indextts-runpod doctor``: what is installed, found and missing."""

import json
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from application.engine_choice import PassedOver
from application.ports.speech_model import ModelStatus
from domain.errors import SpeechError
from entrypoints.cli.start import start
from entrypoints.container import Container
from entrypoints.exit_codes import JOB_FAILED
from entrypoints.installation import DISTRIBUTION, install_advice
from entrypoints.settings.settings import Settings


class Mark(StrEnum):
    """Whether a finding is in order; a note is one that no job on this machine depends on."""

    OK = "ok"
    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; ``advice`` holds a line for each thing that can be done."""

    subject: str
    found: str
    mark: Mark = Mark.OK
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OptionalPackage:
    """A distribution that ``extra`` installs, and what it brings."""

    name: str
    extra: str
    brings: str


_OPTIONAL_PACKAGES = (
    OptionalPackage("hibari-tts", "preview", "the preview engine"),
    OptionalPackage("torch", "indextts", "the indextts2 engine"),
    OptionalPackage("indextts2-inference", "indextts", "the indextts2 engine"),
    OptionalPackage(
        "nemo_text_processing", "grammars", "numbers and abbreviations in words for indextts2"
    ),
    OptionalPackage("boto3", "worker", "storage in S3"),
    OptionalPackage("runpod", "worker", "the RunPod worker and serve"),
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print one JSON object and nothing else")
def doctor(as_json: bool) -> int:
    """Say what is installed, found and missing, and what to do.

    Each line is ok, a PROBLEM that lets jobs fail, or a note (-) of something that is not needed
    here. The exit status is 1 if there is a problem.
    """
    settings, container = start()
    findings = [
        _product(),
        *_packages(settings, container),
        *_engine(container),
        *_voices(settings, container),
        _store(settings, container),
    ]
    is_well = all(finding.mark is not Mark.PROBLEM for finding in findings)
    if as_json:
        status = Mark.OK if is_well else Mark.PROBLEM
        click.echo(json.dumps({"status": status, "findings": [asdict(each) for each in findings]}))
    else:
        _print(findings)
    return 0 if is_well else JOB_FAILED


def _print(findings: list[Finding]) -> None:
    told: set[str] = set()
    for finding in findings:
        mark = {Mark.OK: "ok", Mark.PROBLEM: "PROBLEM", Mark.NOTE: "-"}[finding.mark]
        click.echo(f"{mark:<7}  {finding.subject}: {finding.found}")
        for line in finding.advice:
            if line not in told:  # packages of one extra have one command
                click.echo(f"         -> {line}")
            told.add(line)


def _product() -> Finding:
    found = f"{version(DISTRIBUTION)}, Python {platform.python_version()}"
    command = Path(sys.executable).with_name(DISTRIBUTION)
    if shutil.which(DISTRIBUTION) or not command.exists():
        return Finding(DISTRIBUTION, found)
    advice = f"{DISTRIBUTION} is not on the PATH; it is {command}"
    return Finding(DISTRIBUTION, found, advice=(advice,))


def _packages(settings: Settings, container: Container) -> list[Finding]:
    needed = {"preview": {"hibari-tts"}}.get(
        container.model().info.name, {"torch", "indextts2-inference"}
    )
    if settings.object_store == "s3" or settings.voices_s3_uri:
        needed = needed | {"boto3"}
    return [_package(package, is_needed=package.name in needed) for package in _OPTIONAL_PACKAGES]


def _package(package: OptionalPackage, *, is_needed: bool) -> Finding:
    try:
        return Finding(package.name, f"{version(package.name)}, for {package.brings}")
    except PackageNotFoundError:
        found = "not installed" if is_needed else "not installed, not needed here"
        return Finding(
            package.name,
            f"{found}; it brings {package.brings}",
            Mark.PROBLEM if is_needed else Mark.NOTE,
            tuple(install_advice([package.extra])),
        )


def _engine(container: Container) -> list[Finding]:
    choice = container.engine_choice()
    status, info = choice.model.status(), choice.model.info
    mark = Mark.OK if status.state.can_speak else Mark.PROBLEM
    chosen = Finding(
        f"engine {info.name}",
        f"{status.state.value} on {info.device}{_missing(status)}",
        mark,
        _advice(status),
    )
    return [chosen, *(_not_chosen(engine, mark) for engine in choice.passed_over)]


def _not_chosen(passed_over: PassedOver, chosen: Mark) -> Finding:
    """A problem only where the engine that was chosen instead cannot speak either."""
    return Finding(
        f"engine {passed_over.engine}",
        "not chosen: "
        + ", ".join(f"{reason.state.value}{_missing(reason)}" for reason in passed_over.reasons),
        Mark.PROBLEM if chosen is Mark.PROBLEM else Mark.NOTE,
        tuple(line for reason in passed_over.reasons for line in _advice(reason)),
    )


def _missing(status: ModelStatus) -> str:
    return f"; missing: {', '.join(status.missing_files)}" if status.missing_files else ""


def _advice(status: ModelStatus) -> tuple[str, ...]:
    return (*([status.advice] if status.advice else []), *install_advice(status.extras))


def _voices(settings: Settings, container: Container) -> list[Finding]:
    entries = list(container.references().entries())
    broken = tuple(entry.problem for entry in entries if entry.problem)
    found = [
        Finding(
            "voices",
            f"{len(entries)} in {settings.audio_voices_dir} and bundled, {len(broken)} unusable",
            Mark.PROBLEM if broken else Mark.OK,
            broken,
        )
    ]
    found += [
        Finding(
            "voices",
            f"{file} is shadowed by {other}, which its name means",
            Mark.NOTE,
            (f"rename or remove one of them: {DISTRIBUTION} voices rename {file} NEW_NAME",),
        )
        for file, other in container.voices().shadowed().items()
    ]
    try:
        container.references().find(settings.default_voice)
    except SpeechError as error:
        advice = "set DEFAULT_VOICE to a voice that can be used"
        found.append(Finding("default voice", error.message, Mark.PROBLEM, (advice,)))
    return found


def _store(settings: Settings, container: Container) -> Finding:
    store = container.store()
    subject = f"output ({store.kind})"
    is_s3 = store.kind == "s3"
    place = (
        f"bucket {settings.s3_bucket_name} at {settings.s3_endpoint_url}"
        if is_s3
        else str(settings.output_audio_dir)
    )
    if store.is_reachable():
        return Finding(subject, f"{place} can be {'reached' if is_s3 else 'written'}")
    if is_s3:
        advice = "check the S3_ variables, and that this machine reaches the endpoint"
        return Finding(subject, f"{place} cannot be reached", Mark.PROBLEM, (advice,))
    advice = "set OUTPUT_AUDIO_DIR to a folder that you may write"
    return Finding(subject, f"{place} cannot be written", Mark.PROBLEM, (advice,))
