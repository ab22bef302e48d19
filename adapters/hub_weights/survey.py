"""What this machine already has of a repository, byte for byte."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial as bound
from pathlib import Path

from adapters.hub_weights.hub import Hub
from adapters.hub_weights.hub_file import HubFile
from adapters.hub_weights.wanted import Needed, wanted
from application.ports.weights import WeightProgress, WeightState, WeightStep, WeightWatcher
from domain.errors import ModelUnavailable

_MAIN = "main"
_COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Inventory:
    """The files of one repository as they are in ``place``, out of several ``places``."""

    needed: Sequence[Needed]
    places: Sequence[Path]
    place: Path
    states: Mapping[HubFile, WeightState]

    @property
    def lacking(self) -> tuple[HubFile, ...]:
        return tuple(
            file for file, state in self.states.items() if state is not WeightState.VERIFIED
        )

    def at_home(self, hub: Hub, watch: WeightWatcher) -> "Inventory":
        """The same for the first place, held against the hub's newest version."""
        if self.place == self.places[0]:
            return self
        return _survey_of(hub, self.needed, self.places, self.places[0], watch)

    def whole_elsewhere(self, file: HubFile, watch: WeightWatcher) -> Path | None:
        """Another place that has exactly ``file``."""
        for other in self.places:
            path = other / file.path
            if other != self.place and _verified(file, path, watch) is WeightState.VERIFIED:
                return path
        return None


def survey(
    hub: Hub, needed: Sequence[Needed], places: Sequence[Path], watch: WeightWatcher
) -> Inventory:
    """Look at the place that the engine would take: the first with every required file.

    A snapshot of a hub cache is held against its own commit, so that an older version that is
    whole stays in use; everything else against the hub's newest.

    Raises:
        ModelUnavailable: the hub cannot be asked, or lacks a required file.
        OSError: a file is there and cannot be read.
    """
    required = [need.path for need in needed if need.required]
    taken = (place for place in places if all((place / path).is_file() for path in required))
    return _survey_of(hub, needed, places, next(taken, places[0]), watch)


def _survey_of(
    hub: Hub,
    needed: Sequence[Needed],
    places: Sequence[Path],
    place: Path,
    watch: WeightWatcher,
) -> Inventory:
    files = wanted(_listing(hub, needed[0].repository, place), needed)
    states = {file: _verified(file, place / file.path, watch) for file in files}
    return Inventory(needed, places, place, states)


def _listing(hub: Hub, repository: str, place: Path) -> Sequence[HubFile]:
    if place.parent.name == "snapshots" and _COMMIT.fullmatch(place.name):
        own = hub.listing(repository, place.name)
        if own is not None:
            return own
    newest = hub.listing(repository, _MAIN)
    if newest is None:
        raise ModelUnavailable(f"{repository} has no branch {_MAIN} at the hub; check HF_ENDPOINT")
    return newest


def _verified(file: HubFile, path: Path, watch: WeightWatcher) -> WeightState:
    return file.state_of(path, bound(_tell, watch, file))


def _tell(watch: WeightWatcher, file: HubFile, done_bytes: int) -> None:
    watch(WeightProgress(WeightStep.VERIFYING, file.name, done_bytes, file.size_bytes))
