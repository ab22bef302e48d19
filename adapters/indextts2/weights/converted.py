"""Weights in the form in which they serve, written once and then loaded as they are."""

import hashlib
import importlib.metadata
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
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

CONVERSION_VERSION = 1
"""Raise it whenever the same files give other tensors than before."""

_DISTRIBUTION = "indextts2-inference"
_UNFINISHED = ".part"
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
    types, without what is never used. It appears whole or not at all, so that several processes may
    fill the same folder at once; one that does not fit its network, or cannot be read, is made
    again. Where the folder is None or cannot be written, the source is read each time.
    """

    def __init__(self, *, folder: Path | None, device: torch.device) -> None:
        self._folder = folder
        self._device = device

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
            self._write(name, state)
        assign_weights(network, state, self._device)

    def _read(self, name: str, places: ExpectedTensors) -> State | None:
        if self._folder is None:
            return None
        state: State = {}
        try:
            with safe_open(self._path(name), framework="pt", device=str(self._device)) as file:
                saved = set(file.keys())
                for wanted, place in places.items():
                    if wanted not in saved and is_optional(place):
                        continue
                    tensor = file.get_tensor(wanted)
                    if tensor.shape != place.shape or tensor.dtype != place.dtype:
                        return None
                    # On the CPU it still lies in the file, which a network volume may take away.
                    state[wanted] = tensor.clone() if tensor.device.type == "cpu" else tensor
        except Exception as error:  # whatever is wrong with it, it is made anew
            if is_out_of_memory(error):
                raise
            return None
        return state

    def _write(self, name: str, state: State) -> None:
        if self._folder is None:
            return
        with suppress(OSError, SafetensorError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._remove_abandoned(self._folder)
            _write_whole(self._path(name), state)

    def _remove_abandoned(self, folder: Path) -> None:
        """Remove what a process that was killed left unfinished."""
        for file in folder.glob(f"*{_UNFINISHED}"):
            if file.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                file.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return (self._folder or Path()) / f"{name}.safetensors"


def _write_whole(path: Path, state: State) -> None:
    """Write beside ``path`` first, so that no process ever reads half a file."""
    unfinished = path.with_suffix(f".{uuid4().hex}{_UNFINISHED}")
    try:
        save_file(state, unfinished)
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
