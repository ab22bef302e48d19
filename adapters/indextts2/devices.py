"""The device that the model computes on, and the options that it supports."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.indextts2.options import EngineOptions
from domain.errors import ModelUnavailable

if TYPE_CHECKING:
    import torch

_DRIVER_FILES = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
_BFLOAT16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "bf16")
"""The first two are of Intel and AMD, the last is of ARM."""


def driver_is_present() -> bool:
    """Return whether a GPU driver is installed, without importing torch, which takes seconds."""
    return any(file.exists() for file in _DRIVER_FILES)


def expected_device(name: str | None) -> str:
    """Return what ``choose_device`` will probably return, without importing torch."""
    if name is None:
        return "cuda:0" if driver_is_present() else "cpu"
    return "cuda:0" if name == "cuda" else name


def choose_device(name: str | None) -> "torch.device":
    """Return the device called ``name``; for None the first GPU, or the CPU where there is none.

    Raises:
        ModelUnavailable: this machine has no such device.
    """
    import torch

    if name is None:
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(expected_device(name))
    except RuntimeError as error:
        raise ModelUnavailable(f"DEVICE {name!r} is no device; use cuda, cuda:0 or cpu") from error
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise ModelUnavailable(
                f"DEVICE is {name} but this machine has {count or 'no'} CUDA"
                f" device{'' if count == 1 else 's'}; choose a GPU endpoint or set DEVICE=cpu"
            )
    return device


class Precision(Enum):
    """The number types in which the networks of the three stages compute.

    ``HALF``, for GPUs, computes text-to-semantic, semantic-to-mel and the vocoder in 16 bits.
    ``HALF_PRODUCTS``, for CPUs with instructions for it, computes only the large matrix products
    of the language model and the mel decoder in 16 bits.
    """

    FULL = "float32"
    HALF = "float16"
    HALF_PRODUCTS = "bfloat16-products"


def choose_precision(
    device: "torch.device", *, use_fp16: bool, cpu_multiplies_bfloat16: bool
) -> Precision:
    """Return a precision below float32 where it is requested and ``device`` supports it."""
    if not use_fp16:
        return Precision.FULL
    if device.type == "cuda":
        return Precision.HALF
    is_supported = device.type == "cpu" and cpu_multiplies_bfloat16
    return Precision.HALF_PRODUCTS if is_supported else Precision.FULL


def cpu_multiplies_bfloat16() -> bool:
    """Return whether this CPU has instructions for bfloat16; without them float32 is faster."""
    import torch

    # Older releases of torch have no such function.
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name) for name in _BFLOAT16_INSTRUCTIONS)


def unsupported_settings(
    options: EngineOptions, device: "torch.device", precision: Precision
) -> Iterator[str]:
    """Yield a sentence for each option that ``device`` does not support: what is used instead."""
    if options.use_fp16 and precision is Precision.FULL:
        yield (
            "USE_FP16 needs a CUDA device, or a CPU with bfloat16 instructions;"
            " float32 is used instead"
        )
    if options.use_deepspeed:
        yield "USE_DEEPSPEED has no effect: the engine's own decoding loop is used instead"
    if options.use_cuda_kernel and device.type != "cuda":
        yield "USE_CUDA_KERNEL needs a CUDA device; the vocoder's torch code is used instead"


def configured_limit(config: Path) -> int | None:
    """Return the most text tokens of a segment by a ``config.yaml``, or None if it has none.

    It needs neither torch nor weights, so that it also works before the model is loaded.
    """
    import yaml

    try:
        content = yaml.safe_load(config.read_text(encoding="utf-8"))
        return int(content["gpt"]["max_text_tokens"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return None


def clamp_note(requested: int, limit: int) -> tuple[str, ...]:
    """Return one sentence where ``requested`` is greater than ``limit``, else none."""
    if requested <= limit:
        return ()
    return (
        (
            f"MAX_TOKENS_PER_SEGMENT is {requested}, but the model takes at most {limit};"
            f" {limit} is used"
        ),
    )
