"""The model's files from a Hugging Face hub, behind the port of weights."""

import shutil
from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial as bound
from pathlib import Path

from adapters.hub_weights.failures import disk_full, map_file_errors
from adapters.hub_weights.hub import Hub
from adapters.hub_weights.hub_file import HubFile
from adapters.hub_weights.inventory import Inventory, take_inventory
from adapters.hub_weights.needed_paths import NeededPath
from adapters.hub_weights.unfinished import UnfinishedFiles, size_bytes
from application.ports.weights import (
    WeightFile,
    WeightProgress,
    WeightState,
    WeightStep,
    WeightWatcher,
)

WAITS_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Half a minute in all: long enough for a hub that restarts, short enough for a person."""


class HubWeights:
    """Fetches ``needed`` into ``folder``.

    Args:
        needed: The files, of any number of repositories.
        folder: The checkpoints folder; unfinished files are in its sub-folder ``.download``.
        folders_of: Returns the folders where a repository may be on this machine, the most
            trusted one first; the repository is fetched into that first one.
        endpoint: The hub's address; empty for the public hub.
        token: For repositories that need one; empty for none.
        waits_seconds: Seconds to wait before each further attempt.
    """

    def __init__(
        self,
        *,
        needed: Sequence[NeededPath],
        folder: Path,
        folders_of: Callable[[str], Iterable[Path]],
        endpoint: str,
        token: str,
        waits_seconds: Sequence[float] = WAITS_SECONDS,
    ) -> None:
        self._needed = needed
        self._unfinished = UnfinishedFiles(folder=folder / ".download")
        self._folders_of = folders_of
        self._hub = Hub(endpoint=endpoint, token=token, waits_seconds=waits_seconds)

    def check(self, watch: WeightWatcher) -> tuple[WeightFile, ...]:
        with map_file_errors(0):
            return tuple(
                WeightFile(file.name, file.size_bytes, state)
                for inventory in self._inventories(watch)
                for file, state in inventory.states.items()
            )

    def fetch(self, watch: WeightWatcher) -> tuple[WeightFile, ...]:
        with (
            map_file_errors(0),
            self._unfinished.locked(lambda: watch(WeightProgress(WeightStep.WAITING))),
        ):
            inventories = [
                found.of_first_folder(self._hub, watch) if found.missing else found
                for found in self._inventories(watch)
            ]
            self._tell_plan(inventories, watch)
            needed_bytes = self._bytes_to_write(inventories)
            free_bytes = self._unfinished.free_bytes
            if needed_bytes > free_bytes:
                raise disk_full(needed_bytes, free_bytes)
            # All are removed before the first is fetched, so that no interruption leaves files of
            # two versions side by side.
            for inventory in inventories:
                for file in inventory.missing:
                    (inventory.folder / file.path).unlink(missing_ok=True)
            with map_file_errors(needed_bytes):
                files = tuple(
                    WeightFile(file.name, file.size_bytes, self._obtain(file, inventory, watch))
                    for inventory in inventories
                    for file in inventory.states
                )
            self._unfinished.remove_all()  # what is left belongs to older versions
            return files

    def _inventories(self, watch: WeightWatcher) -> Generator[Inventory, None, None]:
        for repository in dict.fromkeys(need.repository for need in self._needed):
            needed = [need for need in self._needed if need.repository == repository]
            yield take_inventory(self._hub, needed, tuple(self._folders_of(repository)), watch)

    def _tell_plan(self, inventories: Sequence[Inventory], watch: WeightWatcher) -> None:
        for inventory in inventories:
            for file, state in inventory.states.items():
                is_here = state is WeightState.VERIFIED
                held = file.size_bytes if is_here else size_bytes(self._unfinished.path(file))
                _report(watch, WeightStep.PLANNED, file, min(held, file.size_bytes))

    def _bytes_to_write(self, inventories: Sequence[Inventory]) -> int:
        """Return how much more the disk must hold after damaged files are removed."""
        return sum(
            file.size_bytes
            - size_bytes(self._unfinished.path(file))
            - size_bytes(inventory.folder / file.path)
            for inventory in inventories
            for file in inventory.missing
        )

    def _obtain(self, file: HubFile, inventory: Inventory, watch: WeightWatcher) -> WeightState:
        """Make ``file`` complete in the inventory's folder and return how that was done."""
        if file not in inventory.missing:
            return WeightState.VERIFIED
        unfinished = self._unfinished.path(file)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        copy = inventory.find_copy(file, watch)
        if copy is not None:
            watch(WeightProgress(WeightStep.COPYING, file.name, 0, file.size_bytes))
            shutil.copyfile(copy, unfinished)
            watch(WeightProgress(WeightStep.COPYING, file.name, file.size_bytes, file.size_bytes))
        else:
            if size_bytes(unfinished) > file.size_bytes:
                unfinished.unlink()
            self._hub.fetch(file, unfinished, bound(_report, watch, WeightStep.FETCHING, file))
        report = bound(_report, watch, WeightStep.VERIFYING, file)
        self._unfinished.publish(file, inventory.folder / file.path, report)
        return WeightState.FETCHED if copy is None else WeightState.COPIED


def _report(watch: WeightWatcher, step: WeightStep, file: HubFile, done_bytes: int) -> None:
    watch(WeightProgress(step, file.name, done_bytes, file.size_bytes))
