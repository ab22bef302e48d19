"""Reference features that were computed before, in memory and on disk."""

import hashlib
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

import torch
from safetensors.torch import load, save

from adapters.indextts2.atomic import written_in_one_step
from adapters.indextts2.reference.reference import FEATURES_VERSION, Reference, ReferenceEncoder
from domain.voice import Recording

IN_MEMORY = 32
"""References of about 3 MB each for the published model: 100 MB on the device."""
ON_DISK = 512
"""Files of about 3 MB each for the published model: 1.5 GB in all."""

_SUFFIX = ".reference"


class CachingReferenceEncoder:
    """An encoder that computes the features of each recording once.

    The same bytes, model and precision give the same reference. That of a recording that may not be
    kept stays in memory. A file that is damaged, or cannot
    be read or written, costs time but fails no request.

    Args:
        encoder: Computes what is not kept.
        model_fingerprint: A name for the content of the model's files.
        precision: The name of the number types that ``encoder`` computes with.
        device: Where references are kept in memory.
        folder: Where references are kept on disk; None keeps them in memory only.
        in_memory: The largest number of references in memory.
        on_disk: The largest number of references in ``folder``.
    """

    def __init__(
        self,
        *,
        encoder: ReferenceEncoder,
        model_fingerprint: str,
        precision: str,
        device: torch.device,
        folder: Path | None,
        in_memory: int = IN_MEMORY,
        on_disk: int = ON_DISK,
    ) -> None:
        self._encoder = encoder
        self._origin = f"{model_fingerprint}/{precision}/{FEATURES_VERSION}"
        self._device = device
        self._folder = folder
        self._in_memory = in_memory
        self._on_disk = on_disk
        self._kept: OrderedDict[str, Reference] = OrderedDict()

    def encode(self, recording: Recording) -> Reference:
        """Return the features of ``recording``; the one used last is dropped last."""
        key = hashlib.sha256(f"{recording.digest}/{self._origin}".encode()).hexdigest()
        reference = self._kept.pop(key, None) or self._read(key)
        if reference is None:
            reference = self._encoder.encode(recording)
            if recording.may_be_kept:
                self._write(key, reference)
        self._kept[key] = reference
        while len(self._kept) > self._in_memory:
            self._kept.popitem(last=False)
        return reference

    def _read(self, key: str) -> Reference | None:
        if self._folder is None:
            return None
        try:
            content = (self._folder / f"{key}{_SUFFIX}").read_bytes()
            checksum, tensors = content[:32], content[32:]
            if hashlib.sha256(tensors).digest() != checksum:
                return None
            return Reference(**load(tensors)).to(self._device)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, the file is made again
            return None

    def _write(self, key: str, reference: Reference) -> None:
        if self._folder is None:
            return
        tensors = {
            name: tensor.detach().cpu().contiguous() for name, tensor in reference.tensors().items()
        }
        content = save(tensors)
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with written_in_one_step(self._folder / f"{key}{_SUFFIX}") as unfinished:
                unfinished.write_bytes(hashlib.sha256(content).digest() + content)
            self._remove_oldest(self._folder)

    def _remove_oldest(self, folder: Path) -> None:
        files = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda file: file.stat().st_mtime)
        for file in files[: max(0, len(files) - self._on_disk)]:
            file.unlink(missing_ok=True)
