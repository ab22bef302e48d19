"""Which device the model computes on, and what of the asked-for speed-ups it can have there."""

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
"""On Intel and AMD, and on ARM."""


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


class Precision(Enum):
    """In which number types the networks that speak compute.

    ``HALF`` halves code generation, mel decoder and vocoder, as a GPU likes it.
    ``HALF_PRODUCTS`` halves the large products in the language model and the mel decoder alone,
    as CPUs like it that have instructions for them.
    """

    FULL = "float32"
    HALF = "float16"
    HALF_PRODUCTS = "bfloat16-products"


def choose_precision(
    device: "torch.device", *, use_fp16: bool, cpu_multiplies_bfloat16: bool
) -> Precision:
    """Less than float32 where that is asked for and the device is made for it."""
    if not use_fp16:
        return Precision.FULL
    if device.type == "cuda":
        return Precision.HALF
    is_able = device.type == "cpu" and cpu_multiplies_bfloat16
    return Precision.HALF_PRODUCTS if is_able else Precision.FULL


def cpu_multiplies_bfloat16() -> bool:
    """Whether this CPU has instructions for it; without them bfloat16 is slower than float32."""
    import torch

    # Older releases of torch do not tell.
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name) for name in _BFLOAT16_INSTRUCTIONS)


def unsupported_settings(
    options: EngineOptions, device: "torch.device", precision: Precision
) -> Iterator[str]:
    """Yield a sentence for each option that ``device`` cannot have, and what is used instead."""
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
    """The text tokens of a segment that a ``config.yaml`` allows; None where it does not say.

    Needs neither torch nor weights, so that a model that is not loaded can tell, too.
    """
    import yaml

    try:
        content = yaml.safe_load(config.read_text(encoding="utf-8"))
        return int(content["gpt"]["max_text_tokens"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return None


def clamp_note(asked: int, limit: int) -> tuple[str, ...]:
    """One sentence for the operator where ``asked`` is past ``limit``, else nothing."""
    if asked <= limit:
        return ()
    return (
        f"MAX_TOKENS_PER_SEGMENT is {asked}, but the model takes at most {limit}; {limit} is used",
    )
