"""Weights in the form in which they serve, written once and then loaded as they are."""

import hashlib
import importlib.metadata
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn

from adapters.indextts2.atomic import remove_abandoned
from adapters.indextts2.failures import is_out_of_memory
from adapters.indextts2.weights.state_dicts import (
    ExpectedTensors,
    State,
    assign_weights,
    expected_tensors,
    is_optional,
    match_weights,
)
from adapters.indextts2.weights.verified_files import read_verified, write_verified

CONVERSION_VERSION = 2
"""Raise it whenever the same files give other tensors than before, or the format changes."""

_DISTRIBUTION = "indextts2-inference"
_EDGE_BYTES = 1 << 18
"""256 KiB hold the table of contents of the largest file."""


def fingerprint(files: Sequence[Path]) -> str:
    """Return a short name for the content of ``files``, from their sizes and both ends of each.

    The ends hold the tables of contents of both formats, and torch's have checksums in theirs;
    reading several gigabytes at each start would take many seconds.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for file in files:
        for part in _edges(file):
            digest.update(part)
    return digest.hexdigest()[:32]


def conversion_name(files: Sequence[Path], *, precision: str) -> str:
    """Return a name for the conversion of ``files``.

    Files of other content or times, another release of the package and another precision have
    another name.

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
    """A folder of converted weights, from which networks are filled.

    A network without a copy there is filled from its source, and a copy is left.

    A copy holds a network's tensors as they serve: weight norm folded, in the network's number
    types, without what is never used, and with a digest of each tensor. It appears in one step, so
    that several processes may fill the same folder at once. One that is damaged, does not fit its
    network or cannot be read is made again. Where the folder is None or cannot be written, the
    source is read each time.
    """

    def __init__(self, *, folder: Path | None, device: torch.device) -> None:
        self._folder = folder
        self._device = device
        self._is_complete = folder is not None

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
        expected = expected_tensors(network, unused=unused)
        state = self._read(name, expected)
        if state is None:
            state = match_weights(expected, source(), label=label)
            self._is_complete &= self._write(name, state)
        assign_weights(network, state, self._device)

    def remove_older(self) -> None:
        """Remove the conversions of other files or releases, if every ``fill`` left a copy.

        Only folders beside this one are removed that have its precision and are named like a
        conversion. A process that reads one of them keeps the files that it has open, and reads the
        others from its source.
        """
        if self._folder is None or not self._is_complete:
            return
        precision = self._folder.name.rpartition("-")[0]
        conversion = re.compile(re.escape(precision) + r"-[0-9a-f]{32}")
        with suppress(OSError):
            for other in self._folder.parent.iterdir():
                if other.name != self._folder.name and conversion.fullmatch(other.name):
                    shutil.rmtree(other, ignore_errors=True)

    def _read(self, name: str, expected: ExpectedTensors) -> State | None:
        if self._folder is None:
            return None
        try:
            state = read_verified(self._path(name), expected)
        except Exception as error:  # whatever is wrong with it, it is made again
            if is_out_of_memory(error):
                raise
            return None
        missing = expected.keys() - state.keys()
        return state if all(is_optional(expected[name]) for name in missing) else None

    def _write(self, name: str, state: State) -> bool:
        if self._folder is None:
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            remove_abandoned(self._folder)
            write_verified(self._path(name), state)
        except (OSError, SafetensorError):
            return False
        return True

    def _path(self, name: str) -> Path:
        return (self._folder or Path()) / f"{name}.safetensors"


def _edges(file: Path) -> Iterator[bytes]:
    size = file.stat().st_size
    yield f"{file.name}:{size}".encode()
    with file.open("rb") as content:
        yield content.read(_EDGE_BYTES)
        content.seek(max(0, size - _EDGE_BYTES))
        yield content.read(_EDGE_BYTES)
