"""Weights in the form in which they serve, written once and then loaded as they are."""

import hashlib
import importlib.metadata
import re
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn

from adapters.indextts2.failures import is_out_of_memory
from adapters.indextts2.weights.fingerprints import fingerprint
from adapters.indextts2.weights.state_dicts import (
    ExpectedTensors,
    State,
    assign_weights,
    expected_tensors,
    is_optional,
    match_weights,
)
from adapters.indextts2.weights.verified_files import UNFINISHED, read_verified, write_verified

CONVERSION_VERSION = 2
"""Raise it whenever the same files give other tensors than before, or the format changes."""

_DISTRIBUTION = "indextts2-inference"
_ABANDONED_SECONDS = 3600


def conversion_name(files: Sequence[Path], *, precision: str) -> str:
    """What the conversion of ``files`` is called; another content, package or form, another name.

    Raises:
        OSError: a file cannot be read.
    """
    try:
        package = importlib.metadata.version(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        package = "unknown"
    written = [str(file.stat().st_mtime_ns) for file in files]
    parts = [fingerprint(files), *written, package, str(CONVERSION_VERSION)]
    return f"{precision}-{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:32]}"


class ConvertedWeights:
    """Fills networks from ``folder``, or from their source and then leaves a copy there.

    A copy holds a network's tensors as they serve: weight norm folded, in the network's number
    types, without what is never used, and with a digest of each tensor. It appears whole or not at
    all, so that several processes may fill the same folder at once; one that is damaged, does not
    fit its network, or cannot be read, is made again. Where the folder is None or cannot be
    written, the source is read each time.
    """

    def __init__(self, *, folder: Path | None, device: torch.device) -> None:
        self._folder = folder
        self._device = device
        self._is_whole = folder is not None

    def fill(
        self,
        network: nn.Module,
        name: str,
        source: Callable[[], State],
        *,
        label: str,
        unused: Iterable[str] = (),
    ) -> None:
        """Give ``network`` its weights, on the device, ready for inference.

        ``source`` reads the checkpoint's own file, called ``label``; parameters whose name starts
        with one of ``unused`` stay without memory.

        Raises:
            ModelUnavailable: the source is missing, damaged or of another model.
        """
        places = expected_tensors(network, unused=unused)
        state = self._read(name, places)
        if state is None:
            state = match_weights(places, source(), label=label)
            self._is_whole &= self._write(name, state)
        assign_weights(network, state, self._device)

    def remove_older(self) -> None:
        """Remove the conversions of other files or releases, if every ``fill`` left a copy in ours.

        Only folders beside ours are removed, of our precision, that are named like a conversion. A
        process that reads one of them keeps the files that it has open, and reads the others from
        its source.
        """
        if self._folder is None or not self._is_whole:
            return
        precision = self._folder.name.rpartition("-")[0]
        conversion = re.compile(re.escape(precision) + r"-[0-9a-f]{32}")
        with suppress(OSError):
            for other in self._folder.parent.iterdir():
                if other.name != self._folder.name and conversion.fullmatch(other.name):
                    shutil.rmtree(other, ignore_errors=True)

    def _read(self, name: str, places: ExpectedTensors) -> State | None:
        if self._folder is None:
            return None
        try:
            state = read_verified(self._path(name), places)
        except Exception as error:  # whatever is wrong with it, it is made anew
            if is_out_of_memory(error):
                raise
            return None
        lacking = places.keys() - state.keys()
        return state if all(is_optional(places[name]) for name in lacking) else None

    def _write(self, name: str, state: State) -> bool:
        if self._folder is None:
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._remove_abandoned(self._folder)
            write_verified(self._path(name), state)
        except (OSError, SafetensorError):
            return False
        return True

    def _remove_abandoned(self, folder: Path) -> None:
        """Remove what a process that was killed left unfinished."""
        for file in folder.glob(f"*{UNFINISHED}"):
            if file.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                file.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return (self._folder or Path()) / f"{name}.safetensors"
