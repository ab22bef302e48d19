"""Weights in memory."""

from collections.abc import Sequence
from threading import Lock

from application.ports.weights import (
    WeightFile,
    WeightProgress,
    WeightState,
    WeightStep,
    WeightWatcher,
)
from domain.errors import ModelUnavailable


class MemoryWeights:
    """Copies ``remote`` into ``here``, in blocks of one byte, by name.

    ``interruptions`` maps a file to the number of its bytes after which its next transfer breaks.
    While ``failure`` is set, every request raises it.
    """

    def __init__(self, remote: dict[str, bytes]) -> None:
        self.remote = remote
        self.here: dict[str, bytes] = {}
        self.interruptions: dict[str, int] = {}
        self.failure: ModelUnavailable | None = None
        self._unfinished: dict[str, bytes] = {}
        self._lock = Lock()

    def check(self, watch: WeightWatcher) -> Sequence[WeightFile]:
        if self.failure:
            raise self.failure
        return [
            WeightFile(name, len(content), self._state_of(name, watch))
            for name, content in self.remote.items()
        ]

    def fetch(self, watch: WeightWatcher) -> Sequence[WeightFile]:
        if not self._lock.acquire(blocking=False):
            watch(WeightProgress(WeightStep.WAITING))
            self._lock.acquire()
        try:
            found = self.check(watch)
            for file in found:
                is_here = file.state is WeightState.VERIFIED
                held = file.size_bytes if is_here else len(self._unfinished.get(file.name, b""))
                watch(WeightProgress(WeightStep.PLANNED, file.name, held, file.size_bytes))
            return [
                file
                if file.state is WeightState.VERIFIED
                else WeightFile(file.name, file.size_bytes, self._fetch(file.name, watch))
                for file in found
            ]
        finally:
            self._lock.release()

    def _state_of(self, name: str, watch: WeightWatcher) -> WeightState:
        if name not in self.here:
            return WeightState.MISSING
        size = len(self.remote[name])
        watch(WeightProgress(WeightStep.VERIFYING, name, size, size))
        is_right = self.here[name] == self.remote[name]
        return WeightState.VERIFIED if is_right else WeightState.DAMAGED

    def _fetch(self, name: str, watch: WeightWatcher) -> WeightState:
        content = self.remote[name]
        held = len(self._unfinished.get(name, b""))
        breaks_at = self.interruptions.pop(name, None)
        while held < len(content):
            if held == breaks_at:
                raise ModelUnavailable(f"the transfer of {name} broke; fetch again")
            held += 1
            self._unfinished[name] = content[:held]
            watch(WeightProgress(WeightStep.FETCHING, name, held, len(content)))
        self.here[name] = self._unfinished.pop(name, b"")
        return WeightState.FETCHED
