"""Which files of a repository a model needs."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Protocol

from adapters.hub_weights.hub_file import HubFile
from domain.errors import ModelUnavailable


class NeededPath(Protocol):
    """A path in a repository; one that ends in a slash means every file below that folder."""

    @property
    def repository(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def required(self) -> bool: ...


def select_files(listing: Sequence[HubFile], needed: Sequence[NeededPath]) -> tuple[HubFile, ...]:
    """Return the files of ``listing`` that ``needed`` names, the required ones last.

    A fetch in this order that was interrupted leaves a required file missing.

    Raises:
        ModelUnavailable: a required file is not listed, or a path leads out of its folder.
    """
    selected: dict[str, HubFile] = {}
    for need in sorted(needed, key=lambda need: need.required):
        matching = [file for file in listing if _matches(need, file.path)]
        if need.required and not matching:
            raise ModelUnavailable(
                f"the hub has no {need.path} in {need.repository};"
                " check HF_ENDPOINT: the mirror may not carry it"
            )
        selected.update((file.path, file) for file in matching)
    for file in selected.values():
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts:
            raise ModelUnavailable(f"the hub's listing of {file.repository} cannot be trusted")
    return tuple(selected.values())


def _matches(need: NeededPath, path: str) -> bool:
    return path.startswith(need.path) if need.path.endswith("/") else path == need.path
