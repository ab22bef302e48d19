"""``indextts-runpod doctor``: what is installed, found and missing."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import click

from entrypoints.cli.main import JOB_FAILED
from entrypoints.cli.start import start
from entrypoints.container import Container
from entrypoints.settings.settings import Settings

_OPTIONAL_PACKAGES = {
    "hibari-tts": "preview engine",
    "torch": "indextts2 engine",
    "indextts2-inference": "indextts2 engine",
    "nemo_text_processing": "numbers and abbreviations in words, indextts2 engine",
    "boto3": "S3",
    "runpod": "worker",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; ``advice`` is there where something should be done."""

    subject: str
    found: str
    is_well: bool = True
    advice: str = ""


@click.command()
def doctor() -> int:
    """Say what is installed, found and missing, and what to do."""
    settings, container = start()
    findings = [
        Finding(
            "indextts-runpod", f"{version('indextts-runpod')}, Python {platform.python_version()}"
        ),
        *(_package(name, purpose) for name, purpose in _OPTIONAL_PACKAGES.items()),
        _engine(container),
        _voices(settings, container),
        _store(settings, container),
    ]
    for finding in findings:
        mark = "ok     " if finding.is_well else "PROBLEM"
        click.echo(f"{mark}  {finding.subject}: {finding.found}")
        if finding.advice:
            click.echo(f"         -> {finding.advice}")
    return 0 if all(finding.is_well for finding in findings) else JOB_FAILED


def _package(name: str, purpose: str) -> Finding:
    try:
        return Finding(name, f"{version(name)} ({purpose})")
    except PackageNotFoundError:
        return Finding(name, f"not installed ({purpose})")


def _engine(container: Container) -> Finding:
    model = container.model()
    status = model.status()
    missing = f"; missing: {', '.join(status.missing_files)}" if status.missing_files else ""
    return Finding(
        f"engine {model.engine}",
        f"{status.state.value} on {model.device}{missing}",
        status.state.can_speak,
        status.advice,
    )


def _voices(settings: Settings, container: Container) -> Finding:
    entries = list(container.references().entries())
    broken = [entry for entry in entries if entry.problem]
    return Finding(
        "voices",
        f"{len(entries)} in {settings.audio_voices_dir} and bundled, {len(broken)} unusable",
        not broken,
        "; ".join(entry.problem for entry in broken),
    )


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
        return Finding(subject, f"{place} cannot be reached", False, advice)
    advice = "set OUTPUT_AUDIO_DIR to a folder that you may write"
    return Finding(subject, f"{place} cannot be written", False, advice)
