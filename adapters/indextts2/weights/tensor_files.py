"""Contents of tensor files, checked and copied into memory.

No file is mapped into memory: where a file on a volume is cut short while it is read, a read raises
an error, but access to a mapped page ends the process (SIGBUS).
"""

import hashlib
import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

_SHA_256 = re.compile(r"[0-9a-f]{64}")


class DamagedFileError(Exception):
    """The checksum of a file is not that of its content."""


def read_torch_file(path: Path) -> Any:
    """Return what ``torch.save`` wrote to ``path``, on the CPU; code in it is refused, never run.

    Raises:
        DamagedFileError: a checksum is wrong.
        Exception: the file is cut short or no torch file; the type is the library's choice.
    """
    if zipfile.is_zipfile(path):
        _check_records(path)
    else:  # the format of torch before 1.6
        _check_blob(path)
    return torch.load(path, map_location="cpu", weights_only=True, mmap=False)


def read_safetensors_file(path: Path) -> dict[str, Tensor]:
    """Return every tensor of ``path``, on the CPU.

    They are copied into memory of torch's, which is aligned to 64 bytes: products may round by
    alignment, and a network must not depend on which file its weights came from.

    Raises:
        DamagedFileError: the checksum is wrong.
        OSError, SafetensorError: the file is missing, cut short or of another format.
    """
    _check_blob(path)
    with safe_open(path, framework="pt", backend="pread") as file:
        return {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no dict


def _check_records(path: Path) -> None:
    """Compare each record of a torch file with its CRC-32, which ``torch.load`` does not do.

    ``torch.serialization.set_crc32_options(False)`` writes zeros instead of checksums.
    """
    with zipfile.ZipFile(path) as archive:
        if any(record.CRC for record in archive.infolist()):
            damaged = archive.testzip()
            if damaged is not None:
                raise DamagedFileError(f"the CRC-32 of {damaged} is wrong")


def _check_blob(path: Path) -> None:
    """Compare a file of a hub cache with its SHA-256, which is the name of the blob behind it.

    Large files (Git LFS) have such a name; others, and files in a plain folder, have no checksum.
    """
    expected = path.resolve().name
    if _SHA_256.fullmatch(expected):
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                raise DamagedFileError("the SHA-256 is not the one that the hub gives")
