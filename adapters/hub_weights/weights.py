"""The model's files from a Hugging Face hub, behind the port of weights.

Unfinished files lie in ``.download`` inside the checkpoints folder, each named by its hash, so that
an interrupted fetch goes on with the right one. A lock in that folder lets one process at a time
fetch. Should a volume not keep its locks, two processes write the same bytes to the same places:
one of them may fail, but no file gets a name before its hash is right.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from functools import partial as bound
from pathlib import Path

from adapters.hub_weights.failures import keeping_files, no_room
from adapters.hub_weights.hub import Hub
from adapters.hub_weights.hub_file import HubFile
from adapters.hub_weights.survey import Inventory, survey
from adapters.hub_weights.wanted import Needed
from application.ports.weights import (
    WeightFile,
    WeightProgress,
    WeightState,
    WeightStep,
    WeightWatcher,
)
from domain.errors import ModelUnavailable

WAITS_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)


class HubWeights:
    """Fetches ``needed`` into ``folder``.

    Args:
        needed: the files, of any number of repositories.
        folder: the checkpoints folder.
        places: where a repository may lie on this machine, the most trusted place first; that
            first place is where it is put.
        endpoint: the hub's address; empty for the public hub.
        token: for repositories that want one; empty for none.
        waits_seconds: the waits before further tries.
    """

    def __init__(
        self,
        *,
        needed: Sequence[Needed],
        folder: Path,
        places: Callable[[str], Iterable[Path]],
        endpoint: str,
        token: str,
        waits_seconds: Sequence[float] = WAITS_SECONDS,
    ) -> None:
        self._needed = needed
        self._unfinished = folder / ".download"
        self._places = places
        self._hub = Hub(endpoint=endpoint, token=token, waits_seconds=waits_seconds)

    def check(self, watch: WeightWatcher) -> tuple[WeightFile, ...]:
        with keeping_files(0):
            return tuple(
                WeightFile(file.name, file.size_bytes, state)
                for found in self._surveys(watch)
                for file, state in found.states.items()
            )

    def fetch(self, watch: WeightWatcher) -> tuple[WeightFile, ...]:
        with keeping_files(0), self._alone(watch):
            surveys = [
                found.at_home(self._hub, watch) if found.lacking else found
                for found in self._surveys(watch)
            ]
            to_write = self._missing_bytes(surveys)
            free = shutil.disk_usage(self._unfinished).free
            if to_write > free:
                raise no_room(to_write, free)
            # Gone before anything is fetched: no interruption leaves two versions side by side.
            for found in surveys:
                for file in found.lacking:
                    (found.place / file.path).unlink(missing_ok=True)
            with keeping_files(to_write):
                files = tuple(
                    WeightFile(file.name, file.size_bytes, self._had(found, file, watch))
                    for found in surveys
                    for file in found.states
                )
            for leftover in self._unfinished.glob("*.partial"):
                leftover.unlink()  # of versions that the hub no longer has
            return files

    def _surveys(self, watch: WeightWatcher) -> Generator[Inventory, None, None]:
        for repository in dict.fromkeys(need.repository for need in self._needed):
            needed = [need for need in self._needed if need.repository == repository]
            yield survey(self._hub, needed, tuple(self._places(repository)), watch)

    def _missing_bytes(self, surveys: Sequence[Inventory]) -> int:
        """How much more the disk must hold: less what is unfinished, and what makes way."""
        return sum(
            file.size_bytes
            - _size_bytes(self._partial(file))
            - _size_bytes(found.place / file.path)
            for found in surveys
            for file in found.lacking
        )

    def _had(self, found: Inventory, file: HubFile, watch: WeightWatcher) -> WeightState:
        """Make ``file`` whole in its place; answer how."""
        if file not in found.lacking:
            return WeightState.VERIFIED
        state = WeightState.FETCHED
        partial = self._partial(file)
        partial.parent.mkdir(parents=True, exist_ok=True)
        copy = found.whole_elsewhere(file, watch)
        if copy is not None:
            watch(WeightProgress(WeightStep.COPYING, file.name, 0, file.size_bytes))
            shutil.copyfile(copy, partial)
            state = WeightState.COPIED
        else:
            if _size_bytes(partial) > file.size_bytes:
                partial.unlink()
            self._hub.fetch(file, partial, bound(_tell, watch, WeightStep.FETCHING, file))
        self._publish(file, partial, found.place / file.path, watch)
        return state

    def _publish(self, file: HubFile, partial: Path, path: Path, watch: WeightWatcher) -> None:
        """Give ``partial`` its name once its bytes are proved right, and remove it otherwise."""
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        report = bound(_tell, watch, WeightStep.VERIFYING, file)
        if file.state_of(partial, report) is not WeightState.VERIFIED:
            partial.unlink()
            raise ModelUnavailable(
                f"{file.name} arrived damaged: its hash is not the hub's. It was removed; run"
                " indextts-runpod download again, and check HF_ENDPOINT if that does not help"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(path)

    def _partial(self, file: HubFile) -> Path:
        return self._unfinished / f"{file.digest}.partial"

    @contextmanager
    def _alone(self, watch: WeightWatcher) -> Generator[None, None, None]:
        self._unfinished.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._unfinished / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                watch(WeightProgress(WeightStep.WAITING))
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _tell(watch: WeightWatcher, step: WeightStep, file: HubFile, done_bytes: int) -> None:
    watch(WeightProgress(step, file.name, done_bytes, file.size_bytes))
