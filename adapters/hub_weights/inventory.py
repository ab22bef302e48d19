"""The files of one repository on this machine, compared byte for byte with the hub's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial as bound
from pathlib import Path

from adapters.hub_weights.hub import Hub
from adapters.hub_weights.hub_file import HubFile
from adapters.hub_weights.needed_paths import NeededPath, select_files
from application.ports.weights import WeightProgress, WeightState, WeightStep, WeightWatcher
from domain.errors import ModelUnavailable

_MAIN = "main"
_COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Inventory:
    """The state of each needed file of one repository in ``folder``, one of several ``folders``."""

    needed: Sequence[NeededPath]
    folders: Sequence[Path]
    folder: Path
    states: Mapping[HubFile, WeightState]

    @property
    def missing(self) -> tuple[HubFile, ...]:
        """The files that must be fetched or copied: the missing and the damaged ones."""
        return tuple(
            file for file, state in self.states.items() if state is not WeightState.VERIFIED
        )

    def of_first_folder(self, hub: Hub, watch: WeightWatcher) -> "Inventory":
        """Return the inventory of the first folder, compared with the hub's newest version."""
        if self.folder == self.folders[0]:
            return self
        return _inventory_of(hub, self.needed, self.folders, self.folders[0], watch)

    def find_copy(self, file: HubFile, watch: WeightWatcher) -> Path | None:
        """Return the path of a verified copy of ``file`` in another folder, or None."""
        for other in self.folders:
            path = other / file.path
            if other != self.folder and _state_of(file, path, watch) is WeightState.VERIFIED:
                return path
        return None


def take_inventory(
    hub: Hub, needed: Sequence[NeededPath], folders: Sequence[Path], watch: WeightWatcher
) -> Inventory:
    """Return the inventory of the folder that the engine would use.

    That is the first of ``folders`` with every required file, else the first of all. A snapshot of
    a hub cache is compared with its own commit, so that a complete older version stays in use. Any
    other folder is compared with the hub's newest version.

    Raises:
        ModelUnavailable: the hub does not answer, or does not have a required file.
        OSError: a file is there and cannot be read.
    """
    required = [need.path for need in needed if need.required]
    complete = (folder for folder in folders if all((folder / path).is_file() for path in required))
    return _inventory_of(hub, needed, folders, next(complete, folders[0]), watch)


def _inventory_of(
    hub: Hub,
    needed: Sequence[NeededPath],
    folders: Sequence[Path],
    folder: Path,
    watch: WeightWatcher,
) -> Inventory:
    files = select_files(_listing(hub, needed[0].repository, folder), needed)
    states = {file: _state_of(file, folder / file.path, watch) for file in files}
    return Inventory(needed, folders, folder, states)


def _listing(hub: Hub, repository: str, folder: Path) -> Sequence[HubFile]:
    """Return the hub's files: of the commit that a snapshot ``folder`` names, else the newest."""
    if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name):
        same_commit = hub.list_files(repository, folder.name)
        if same_commit is not None:
            return same_commit
    newest = hub.list_files(repository, _MAIN)
    if newest is None:
        raise ModelUnavailable(f"{repository} has no branch {_MAIN} at the hub; check HF_ENDPOINT")
    return newest


def _state_of(file: HubFile, path: Path, watch: WeightWatcher) -> WeightState:
    return file.state_of(path, bound(_report, watch, file))


def _report(watch: WeightWatcher, file: HubFile, done_bytes: int) -> None:
    watch(WeightProgress(WeightStep.VERIFYING, file.name, done_bytes, file.size_bytes))
