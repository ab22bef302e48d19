"""What torch and the GPU driver of this machine say, and whether the model's package imports.

``python -m adapters.indextts2.accelerator`` prints the fields of ``Accelerator`` as a line of JSON
and then does what ``python -m adapters.indextts2.upstream`` does. In a process of its own, a torch
that does not import, or that ends its process, harms no other program.
"""

import json
import re
import shutil
import subprocess
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adapters.indextts2.upstream import main

_DRIVER_FILE = Path("/proc/driver/nvidia/version")
_RELEASE = re.compile(r"\b(\d{3,}\.\d+(?:\.\d+)?)\b")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; ``memory_bytes`` is all of its memory."""

    name: str
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Accelerator:
    """The installed torch, and what it can compute on.

    Args:
        torch: Release of torch.
        cuda: Release of CUDA that torch is built for; None for a build without CUDA.
        gpus: The GPUs that torch can use.
        warning: torch's own words where it cannot use a GPU.
    """

    torch: str
    cuda: str | None
    gpus: tuple[Gpu, ...] = ()
    warning: str = ""


def read_accelerator(text: str) -> Accelerator:
    """Return what the first line of the program's output says.

    Raises:
        ValueError, KeyError, TypeError: ``text`` is no such answer.
    """
    content: dict[str, Any] = json.loads(text.partition("\n")[0])
    gpus = tuple(Gpu(**gpu) for gpu in content.pop("gpus"))
    return Accelerator(**content, gpus=gpus)


def driver_release() -> str:
    """Return the release of the NVIDIA driver, as 580.65.06, or an empty string."""
    try:
        text = _DRIVER_FILE.read_text("utf-8")
    except OSError:
        text = _asked_of_the_driver()
    found = _RELEASE.search(text)
    return found[1] if found else ""


def _asked_of_the_driver() -> str:
    """Return the output of ``nvidia-smi``, which also exists where /proc tells nothing (WSL)."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    question = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(  # noqa: S603 - the driver's own program, fixed arguments
            question, capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _look() -> Accelerator:
    import torch

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        is_available = torch.cuda.is_available()
        properties = [
            torch.cuda.get_device_properties(index)
            for index in range(torch.cuda.device_count() if is_available else 0)
        ]
    return Accelerator(
        torch=str(torch.__version__),
        cuda=torch.version.cuda,
        gpus=tuple(Gpu(each.name, each.total_memory) for each in properties),
        warning=" ".join(str(warning.message) for warning in told).partition("(Trigger")[0].strip(),
    )


if __name__ == "__main__":
    print(json.dumps(asdict(_look())), flush=True)  # noqa: T201 - a program's output
    sys.exit(main())
