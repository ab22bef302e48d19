"""Which of a repository's files are wanted."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Protocol

from adapters.hub_weights.hub_file import HubFile
from domain.errors import ModelUnavailable


class Needed(Protocol):
    """A file that a model needs; a ``path`` that ends in a slash means all below that folder."""

    @property
    def repository(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def required(self) -> bool: ...


def wanted(listing: Sequence[HubFile], needed: Sequence[Needed]) -> tuple[HubFile, ...]:
    """The files of ``listing`` that ``needed`` names, in the order of ``needed``.

    Raises:
        ModelUnavailable: a required file is not listed, or a path leads out of its folder.
    """
    chosen: dict[str, HubFile] = {}
    for need in needed:
        matching = [file for file in listing if _means(need, file.path)]
        if need.required and not matching:
            raise ModelUnavailable(
                f"the hub has no {need.path} in {need.repository};"
                " check HF_ENDPOINT: the mirror may not carry it"
            )
        chosen.update((file.path, file) for file in matching)
    for file in chosen.values():
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts:
            raise ModelUnavailable(f"the hub's listing of {file.repository} cannot be trusted")
    return tuple(chosen.values())


def _means(need: Needed, path: str) -> bool:
    return path.startswith(need.path) if need.path.endswith("/") else path == need.path
