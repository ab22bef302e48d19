"""What the torch, the driver and the GPU of a machine mean for the engine."""

from collections.abc import Iterator

from adapters.indextts2.accelerator import Accelerator, Gpu
from adapters.indextts2.devices import Precision
from adapters.indextts2.memory_need import WEIGHT_BYTES, cache_bytes, needed_bytes
from application.ports.examination import Finding, Mark


def accelerator_findings(
    found: Accelerator, *, device: str, use_fp16: bool, has_driver: bool, driver: str
) -> Iterator[Finding]:
    """Yield a finding on torch, on the driver and, for a GPU, on its memory.

    Args:
        found: torch's own answer.
        device: The device that the engine is going to compute on: ``cpu``, ``cuda:0``.
        use_fp16: Whether it computes in 16 bits there.
        has_driver: Whether a GPU driver is installed.
        driver: The release of the driver, if it is known.
    """
    cuda = f"built for CUDA {found.cuda}" if found.cuda else "a build without CUDA"
    yield Finding(subject="torch", found=f"{found.torch}, {cuda}")
    expects_gpu = device.startswith("cuda")
    if found.gpus:
        yield Finding(subject="GPU driver", found=driver or "works")
    else:
        yield _unusable(
            found,
            driver=driver if has_driver else None,
            mark=Mark.PROBLEM if expects_gpu else Mark.NOTE,
        )
    if found.gpus and expects_gpu:
        index = int(device.partition(":")[2])
        if index < len(found.gpus):
            yield _memory(found.gpus[index], Precision.HALF if use_fp16 else Precision.FULL)
        else:
            yield _no_such_gpu(device, len(found.gpus))


def _unusable(found: Accelerator, *, driver: str | None, mark: Mark) -> Finding:
    """Return why torch uses no GPU; ``driver`` is None where there is no driver."""
    if driver is None:
        advice = "use a machine with an NVIDIA GPU and its driver, or set DEVICE=cpu"
        words = "none"
    elif found.cuda is None:
        advice = "install a torch that is built for CUDA, or set DEVICE=cpu"
        words = f"{driver or 'there'}, but this torch is built without CUDA"
    else:
        advice = (
            f"install a driver for CUDA {found.cuda} or newer, or a torch that is built for the"
            " driver's CUDA"
        )
        words = f"{driver or 'there'}, but torch finds no GPU"
    told = f" ({found.warning})" if found.warning else ""
    return Finding(
        subject="GPU driver",
        found=words + told,
        mark=mark,
        advice=(advice,) if mark is Mark.PROBLEM else (),
    )


def _no_such_gpu(device: str, count: int) -> Finding:
    return Finding(
        subject="GPU",
        found=f"DEVICE is {device}, but the number of GPUs is {count}",
        mark=Mark.PROBLEM,
        advice=("set DEVICE=cuda:0",),
    )


def _memory(gpu: Gpu, precision: Precision) -> Finding:
    fits = gpu.memory_bytes >= needed_bytes(precision)
    lower = "set USE_FP16=true, or " if precision is Precision.FULL else ""
    return Finding(
        subject="GPU",
        found=f"{gpu.name}, {_gigabytes(gpu.memory_bytes)}; {_need(precision)}",
        mark=Mark.OK if fits else Mark.PROBLEM,
        advice=() if fits else (f"{lower}use a GPU with more memory",),
    )


def _need(precision: Precision) -> str:
    return (
        f"{precision.value} needs {_gigabytes(needed_bytes(precision))} (computed: weights"
        f" {_gigabytes(WEIGHT_BYTES[precision])}, cache of one chunk"
        f" {_gigabytes(cache_bytes(precision))}; CUDA's own memory comes on top)"
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
