"""What torch, CUDA and its libraries raise, in the words of the releases that raise it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.failures import loading, reading, speaking
from adapters.indextts2.model import IndexTTS2Model
from adapters.indextts2.options import EngineOptions
from application.ports.speech_model import ModelState
from domain.audio import Samples
from domain.delivery import Delivery
from domain.errors import DeviceLost, ModelUnavailable, OutOfMemory, SynthesisFailed
from tests.models.indextts2.parts import with_parts
from tests.models.indextts2.speaking import LOW, SHORT

_HINT = """
CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below\
 might be incorrect.
For debugging consider passing CUDA_LAUNCH_BLOCKING=1
Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.
"""
_GEMM = "`cublasGemmEx( handle, opa, opb, m, n, k, alpha_ptr, a, CUDA_R_16F, lda)`"

LOST = [
    f"CUDA error: device-side assert triggered{_HINT}",
    f"CUDA error: an illegal memory access was encountered{_HINT}",
    f"CUDA error: unspecified launch failure{_HINT}",
    f"CUDA error: the launch timed out and was terminated{_HINT}",
    f"CUDA error: misaligned address{_HINT}",
    f"CUDA error: an illegal instruction was encountered{_HINT}",
    f"CUDA error: uncorrectable ECC error encountered{_HINT}",
    f"CUDA error: unknown error{_HINT}",
    f"CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling {_GEMM}",
    f"CUDA error: CUBLAS_STATUS_INTERNAL_ERROR when calling {_GEMM}",
    "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
    (
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR\nYou can try to repro this exception using the"
        " following code snippet."
    ),
    "cuDNN error: CUDNN_STATUS_MAPPING_ERROR",
    "cuFFT error: CUFFT_EXEC_FAILED",
    "CUDA driver error: an illegal memory access was encountered",
    "Triton Error [CUDA]: an illegal memory access was encountered",
]
"""A context that met one of these gives the same error to every later call."""

FULL = [
    (
        "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79.11 GiB"
        " of which 5.31 MiB is free."
    ),
    f"CUDA error: out of memory{_HINT}",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "cuFFT error: CUFFT_ALLOC_FAILED",
    "CUDA driver error: out of memory",
    "Triton Error [CUDA]: out of memory",
    (
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory:"
        " you tried to allocate 100000000000000000 bytes. Error code 12 (Cannot allocate memory)"
    ),
]

ORDINARY = [
    "mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)",
    f"CUDA error: invalid configuration argument{_HINT}",
    f"CUDA error: invalid argument{_HINT}",
    f"CUDA error: operation not permitted when stream is capturing{_HINT}",
    f"CUDA error: CUBLAS_STATUS_NOT_SUPPORTED when calling {_GEMM}",
    f"CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling {_GEMM}",
    "cuDNN error: CUDNN_STATUS_NOT_SUPPORTED",
    "cuDNN error: CUDNN_STATUS_BAD_PARAM",
    "Expected all tensors to be on the same device, but found two devices, cuda:0 and cpu!",
    "the text speaks of a CUDA device",
]
"""The call failed, and the context is as good as before."""

KINDS = [RuntimeError] + ([torch.AcceleratorError] if hasattr(torch, "AcceleratorError") else [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", LOST)
def test_a_broken_context_is_a_lost_device(kind: type[Exception], text: str) -> None:
    with pytest.raises(DeviceLost) as failed, speaking():
        raise kind(text)

    assert failed.value.code == "synthesis_failed"
    assert "send the job again" in failed.value.message
    assert "CUDA_LAUNCH_BLOCKING" not in failed.value.message


@pytest.mark.parametrize("text", LOST[:2])
def test_a_context_that_breaks_while_the_model_loads_is_a_lost_device(text: str) -> None:
    for work in (loading(), reading("gpt.pth")):
        with pytest.raises(DeviceLost), work:
            raise RuntimeError(text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", FULL)
def test_an_allocation_that_fails_is_out_of_memory_under_every_name(
    kind: type[Exception], text: str
) -> None:
    for work in (speaking(), loading(), reading("gpt.pth")):
        with pytest.raises(OutOfMemory), work:
            raise kind(text)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), MemoryError(), OSError(12, "no")]
)
def test_an_allocation_that_fails_is_out_of_memory_by_its_kind(error: Exception) -> None:
    with pytest.raises(OutOfMemory), speaking():
        raise error


def test_failed_allocations_of_torch_and_numpy_are_out_of_memory() -> None:
    for allocate in (
        lambda: torch.empty(10**17, dtype=torch.uint8),
        lambda: np.empty(10**17, dtype=np.uint8),
    ):
        with pytest.raises(OutOfMemory), speaking():
            allocate()


@pytest.mark.parametrize("text", ORDINARY)
def test_another_failure_costs_its_job_only(text: str) -> None:
    with pytest.raises(SynthesisFailed) as failed, speaking():
        raise RuntimeError(text)

    assert not isinstance(failed.value, DeviceLost)


class OnABrokenDevice(IndexTTS2Model):
    """The tiny model, whose vocoder meets ``error``."""

    def __init__(self, folder: Path, engine: Engine, error: Exception) -> None:
        super().__init__(
            options=EngineOptions(checkpoints_dir=folder, device="cpu", use_grammars=False)
        )
        self._broken = with_parts(engine, vocoder=_Raising(error))

    def _assemble(self) -> Engine:
        return self._broken


class _Raising:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def synthesize(self, mels: object) -> list[Samples]:
        raise self._error

    def pieces(self, mel: object, **_: object) -> Iterator[Samples]:
        raise self._error


def speak(model: IndexTTS2Model) -> None:
    list(model.speak(["Hello."], voice=LOW, delivery=Delivery(1, sampling=SHORT)))


def test_a_model_whose_device_is_lost_has_failed_for_good(checkpoint: Path, engine: Engine) -> None:
    model = OnABrokenDevice(checkpoint, engine, RuntimeError(LOST[0]))
    model.load()
    assert model.status().state is ModelState.READY

    with pytest.raises(DeviceLost):
        speak(model)

    status = model.status()
    assert status.state is ModelState.FAILED
    assert "must be replaced" in status.advice
    for ask in (model.load, lambda: speak(model)):
        with pytest.raises(ModelUnavailable, match="must be replaced"):
            ask()
    assert model.status() == status


@pytest.mark.parametrize("text", [ORDINARY[0], FULL[0]])
def test_a_model_that_meets_another_failure_is_ready_for_the_next_job(
    checkpoint: Path, engine: Engine, text: str
) -> None:
    model = OnABrokenDevice(checkpoint, engine, RuntimeError(text))

    for _ in range(2):
        with pytest.raises((SynthesisFailed, OutOfMemory)):
            speak(model)
        assert model.status().state is ModelState.READY
