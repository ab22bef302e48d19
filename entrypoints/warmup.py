"""Making an engine ready before somebody waits for it."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass

import structlog

from application.speak import Speak, SpeechRequest
from domain.errors import SpeechError

log = structlog.get_logger()

TEXT = "This sentence makes the engine ready to speak. It is heard by nobody."


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Seconds that a first request will not have to wait."""

    load: float
    first_audio: float
    synthesis: float
    duration: float


def warm_up(speak: Speak) -> WarmUp:
    """Load the engine and speak once, to nobody.

    Raises:
        SpeechError: as the engine says.
    """
    utterance = speak.utterance(SpeechRequest(text=TEXT, seed=0))
    for _ in utterance.samples():
        pass
    report = utterance.report()
    return WarmUp(
        load=report.timings.load,
        first_audio=report.timings.first_audio,
        synthesis=report.timings.synthesis,
        duration=report.duration_seconds,
    )


def try_to(event: str, work: Callable[[], object]) -> None:
    """Do ``work`` and log how it went, with what it reports.

    Jobs that need what failed get the error themselves.
    """
    began = time.perf_counter()
    try:
        result = work()
    except SpeechError as error:
        log.error(f"{event}_failed", error=str(error))  # noqa: TRY400 - an explained failure
    except Exception:
        log.exception(f"{event}_failed")
    else:
        found = asdict(result) if is_dataclass(result) and not isinstance(result, type) else {}
        log.info(event, took=round(time.perf_counter() - began, 3), **found)
