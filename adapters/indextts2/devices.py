"""Which device the model computes on, and what of the asked-for speed-ups it can have there."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import ModelUnavailable

if TYPE_CHECKING:
    import torch

_DRIVER_FILES = (Path("/dev/nvidiactl"), Path("/dev/dxg"))


def driver_is_present() -> bool:
    """Whether a GPU driver is there at all; answers without loading torch, which takes seconds."""
    return any(file.exists() for file in _DRIVER_FILES)


def expected_device(asked: str | None) -> str:
    """What ``choose_device`` will probably answer; needs no torch."""
    if asked is None:
        return "cuda:0" if driver_is_present() else "cpu"
    return "cuda:0" if asked == "cuda" else asked


def choose_device(asked: str | None) -> "torch.device":
    """The device named ``asked``; for None the first GPU, or the CPU where there is none.

    Raises:
        ModelUnavailable: no such device on this machine.
    """
    import torch

    if asked is None:
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(expected_device(asked))
    except RuntimeError as error:
        raise ModelUnavailable(f"DEVICE {asked!r} is no device; use cuda, cuda:0 or cpu") from error
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise ModelUnavailable(
                f"DEVICE is {asked} but this machine has {count or 'no'} CUDA"
                f" device{'' if count == 1 else 's'}; choose a GPU endpoint or set DEVICE=cpu"
            )
    return device


@dataclass(frozen=True, slots=True)
class Precision:
    """The number type of code generation; all else computes in float32."""

    name: str

    @property
    def dtype(self) -> "torch.dtype":
        import torch

        return torch.float16 if self.name == "float16" else torch.float32


def choose_precision(device: "torch.device", *, use_fp16: bool) -> Precision:
    """float16 where asked for and worth it: on CUDA devices only."""
    return Precision("float16" if use_fp16 and device.type == "cuda" else "float32")


def refusals(
    device: "torch.device", *, use_fp16: bool, use_deepspeed: bool, use_cuda_kernel: bool
) -> Iterator[str]:
    """A sentence for each setting that cannot be had on ``device``, and what is used instead."""
    if use_fp16 and device.type != "cuda":
        yield "USE_FP16 needs a CUDA device; float32 is used instead"
    if use_deepspeed:
        yield "USE_DEEPSPEED has no effect: the engine's own decoding loop is used instead"
    if use_cuda_kernel and device.type != "cuda":
        yield "USE_CUDA_KERNEL needs a CUDA device; the vocoder's torch code is used instead"
