"""What a worker does at its start and its end, and whether it may take jobs."""

import time
from collections.abc import Callable
from dataclasses import asdict, is_dataclass

import structlog

from application.ports.speech_model import ModelState
from application.weight_arrival import megabytes
from domain.errors import ModelUnavailable, SpeechError, StorageFailed
from entrypoints.container import Container

log = structlog.get_logger()

_UNFIT = (ModelState.MISSING_PACKAGE, ModelState.FAILED)
"""States in which a worker takes no jobs.

Missing weights and a missing GPU are not among them: a job that fails with their advice is worth
more to its sender than one that no worker takes.
"""


def prepare(container: Container, *, cleans_up: bool = True) -> None:
    """Make the folders, remove old files and fetch new voices; log what fails.

    Args:
        container: The parts.
        cleans_up: Remove old files: for a program whose own files they are.
    """
    start_up = container.start_up()
    run_and_log("folders", start_up.make_folders)
    if cleans_up:
        run_and_log("cleanup", start_up.clean_up)
    if container.settings().voices_s3_uri:
        run_and_log("voice_sync", start_up.sync_voices)


def load(container: Container, *, warms_up: bool) -> None:
    """Load the model, its weights included, and with ``warms_up`` speak once; log what fails."""
    start_up = container.start_up()
    run_and_log("load", start_up.load_model)
    if warms_up:
        run_and_log("warm_up", start_up.warm_up)


def tell_unfinished(container: Container, *, program: str = "worker") -> None:
    """Tell, at the end of ``program``, how far the weights are that were still coming."""
    weights = container.model().status().weights
    if weights:
        container.start_up_log().tell(
            "weights",
            f"the {program} stops while they come: {megabytes(weights.done)} of"
            f" {megabytes(weights.total)} are here; the next start goes on where this one stopped",
        )


def require_fitness(container: Container) -> None:
    """Refuse to take jobs where all would fail and another worker might do better.

    Raises:
        ModelUnavailable: the engine is not installed, or could not be loaded.
        StorageFailed: the store cannot be reached.
    """
    status = container.model().status()
    if status.state in _UNFIT:
        raise ModelUnavailable(f"{status.state.value}: {status.advice}")
    if not container.store().is_reachable():
        raise StorageFailed(f"the {container.store().kind} store cannot be reached")


def run_and_log(event: str, work: Callable[[], object]) -> None:
    """Call ``work`` and log ``event`` with the fields of its result, or the event of its failure.

    No exception is raised: a job that needs what failed reports the error itself.
    """
    began = time.perf_counter()
    failed = f"{event}_failed"
    try:
        result = work()
    except SpeechError as error:
        log.error(failed, error=str(error))  # noqa: TRY400 - the message explains it
    except Exception:
        log.exception(failed)
    else:
        found = asdict(result) if is_dataclass(result) and not isinstance(result, type) else {}
        log.info(event, took=round(time.perf_counter() - began, 3), **found)
