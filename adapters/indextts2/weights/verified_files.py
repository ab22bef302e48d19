"""Safetensors files that hold a digest of each tensor, and are read only if undamaged."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BufferedReader
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from adapters.indextts2.atomic import written_in_one_step
from adapters.indextts2.weights.tensor_files import DamagedFileError

_DIGESTS = "sha256"
"""Key in the file's metadata: a JSON object with a SHA-256 for each tensor."""
_READING_THREADS = 4
"""One core copies and hashes 0.4 to 1 GB/s, a disk reads up to 5 GB/s."""


def write_verified(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write the tensors of ``state``, of any shapes and on the CPU, to ``path`` in one step.

    No process ever reads a part of a file, and content and digests appear together.

    Raises:
        OSError, SafetensorError: the file cannot be written.
    """
    digests = {name: _digest(tensor) for name, tensor in state.items()}
    with written_in_one_step(path) as unfinished:
        save_file(dict(state), unfinished, metadata={_DIGESTS: json.dumps(digests)})


def read_verified(path: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return those tensors of ``path`` that are ``expected``, of that type and shape, on the CPU.

    Each is read once, straight into the memory that it serves from, and hashed there. The
    functions of safetensors either map the file (see ``tensor_files``) or read into memory that is
    not aligned to 64 bytes, so that torch would have to copy it.

    Raises:
        DamagedFileError: a tensor is not what was written, or not what is expected.
        Exception: the file is missing or its header cannot be read.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:
            raise DamagedFileError("the header would be longer than the file")
        header = json.loads(file.read(length))
    digests: dict[str, str] = json.loads(header.pop("__metadata__", {}).get(_DIGESTS, "{}"))
    if header.keys() != digests.keys():
        raise DamagedFileError("there is not one digest for each tensor")

    def verified(names: Sequence[str]) -> dict[str, Tensor]:
        tensors = {}
        with path.open("rb") as file:
            for name in names:
                file.seek(8 + length + header[name]["data_offsets"][0])
                tensors[name] = _read(file, expected[name])
                if _digest(tensors[name]) != digests[name]:
                    raise DamagedFileError(f"{name} is not what was written")
        return tensors

    names = [name for name in expected if name in header]
    shares = [names[start::_READING_THREADS] for start in range(_READING_THREADS)]
    with ThreadPoolExecutor(_READING_THREADS) as threads:
        return {
            name: tensor
            for share in threads.map(verified, shares)
            for name, tensor in share.items()
        }


def _read(file: BufferedReader, like: Tensor) -> Tensor:
    """Return what stands next in ``file`` as a tensor of the type and shape of ``like``."""
    tensor = torch.empty(like.shape, dtype=like.dtype)
    content = _bytes_of(tensor)
    if file.readinto(content) < content.nbytes:  # it reads until the end of one of them
        raise DamagedFileError("the file is cut short")
    return tensor


def _digest(tensor: Tensor) -> str:
    """Return the SHA-256 of the number type, the shape and the content of ``tensor``."""
    digest = hashlib.sha256(f"{tensor.dtype} {list(tensor.shape)} ".encode())
    digest.update(_bytes_of(tensor))
    return digest.hexdigest()


def _bytes_of(tensor: Tensor) -> memoryview:
    """Return the memory of ``tensor``, which is contiguous and of any shape, as bytes."""
    content: memoryview = tensor.reshape(-1).view(torch.uint8).numpy().data
    return content
