"""Errors after which the worker's process must be replaced."""

from application.ports.speech_model import ModelState, SpeechModel
from domain.errors import DeviceLost, ModelUnavailable, OutOfMemory, SpeechError
from entrypoints.engine.queue import EngineStuck
from entrypoints.engine.timed_jobs import JobTimedOut

_MACHINE_FAULTS = (ModelState.NO_GPU, ModelState.FAILED)
"""States that another machine may not have; a worker in one of them fails every job that it takes.
"""


def is_worker_fault(error: SpeechError, model: SpeechModel) -> bool:
    """Return whether the next job would fail here as well, but may succeed in a new worker."""
    if isinstance(error, OutOfMemory | DeviceLost | EngineStuck | JobTimedOut):
        return True
    return isinstance(error, ModelUnavailable) and model.status().state in _MACHINE_FAULTS
