"""Checks of ``doctor`` on the parts of the application: engine, voices and store."""

from pathlib import Path

from application.engine_choice import EngineChoice, PassedOver
from application.ports.examination import Finding, Mark
from application.ports.speech_model import ModelStatus
from application.ports.storage import ObjectStore
from application.ports.storage_probe import ProbedStorage
from application.ports.voices import VoiceRepository
from application.references import References
from domain.errors import SpeechError
from entrypoints.installation import DISTRIBUTION


def check_engines(choice: EngineChoice) -> list[Finding]:
    """Report the engine that speaks, and each preferred one that does not."""
    status, info = choice.model.status(), choice.model.info
    mark = Mark.OK if status.state.can_speak else Mark.PROBLEM
    chosen = Finding(
        subject=f"engine {info.name}",
        found=f"{status.state.value} on {info.device}{_missing(status)}",
        mark=mark,
        advice=_advice(status),
        extras=status.extras,
    )
    return [chosen, *(_not_chosen(engine, mark) for engine in choice.passed_over)]


def check_voices(references: References, voices: VoiceRepository, *, folder: Path) -> list[Finding]:
    """Report how many recordings can be used, and those that another one shadows."""
    entries = list(references.entries())
    broken = tuple(entry.problem for entry in entries if entry.problem)
    usable = Finding(
        subject="voices",
        found=f"{len(entries)} in {folder}{'' if folder.is_dir() else ' (not there yet)'} and"
        f" bundled, {len(broken)} unusable",
        mark=Mark.PROBLEM if broken else Mark.OK,
        advice=broken,
    )
    shadowed = [
        Finding(
            subject="voices",
            found=f"{file} is shadowed by {other}, which its name means",
            mark=Mark.NOTE,
            advice=(
                f"rename or remove one of them: run {DISTRIBUTION} voices rename {file} NEW_NAME",
            ),
        )
        for file, other in voices.shadowed().items()
    ]
    return [usable, *shadowed]


def check_default_voice(references: References, name: str) -> list[Finding]:
    """Report the default voice if it cannot be used."""
    try:
        references.find(name)
    except SpeechError as error:
        advice = "set DEFAULT_VOICE to a voice that can be used"
        return [
            Finding(
                subject="default voice",
                found=error.message,
                mark=Mark.PROBLEM,
                advice=(advice,),
            )
        ]
    return []


def check_inline_answers(store: ObjectStore) -> Finding:
    """Report a store that keeps nothing, because its files come in the jobs' answers."""
    largest = f"{(store.largest_bytes or 0) / 1e6:g} MB"
    return Finding(
        subject=f"output ({store.kind})",
        found=f"a job's answer carries its audio, up to {largest}",
        mark=Mark.OK,
    )


def check_storage(storage: ProbedStorage, *, kind: str, place: str, advice: str) -> list[Finding]:
    """Report whether ``place`` keeps a probe object, and whether it could be removed again."""
    subject = f"output ({kind})"
    try:
        probe = storage.probe()
    except SpeechError as error:
        return [
            Finding(
                subject=subject,
                found=f"{place} cannot be used: {error.message}",
                mark=Mark.PROBLEM,
                advice=(advice,),
                extras=error.extras,
            )
        ]
    kept = Finding(subject=subject, found=f"{place} stores, finds and returns an object")
    if not probe.removal_failure:
        return [kept]
    return [
        kept,
        Finding(
            subject=subject,
            found=f"the probe {probe.key} stays: {probe.removal_failure}; no job removes objects",
            mark=Mark.NOTE,
        ),
    ]


def _not_chosen(passed_over: PassedOver, chosen: Mark) -> Finding:
    """Report a problem only where the engine that was chosen instead cannot speak either."""
    reasons = passed_over.reasons
    states = ", ".join(f"{reason.state.value}{_missing(reason)}" for reason in reasons)
    return Finding(
        subject=f"engine {passed_over.engine}",
        found=f"not chosen: {states}",
        mark=Mark.PROBLEM if chosen is Mark.PROBLEM else Mark.NOTE,
        advice=tuple(line for reason in reasons for line in _advice(reason)),
        extras=passed_over.extras,
    )


def _missing(status: ModelStatus) -> str:
    return f"; missing: {', '.join(status.missing_files)}" if status.missing_files else ""


def _advice(status: ModelStatus) -> tuple[str, ...]:
    return (status.advice,) if status.advice else ()
