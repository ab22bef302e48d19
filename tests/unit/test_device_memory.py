"""The memory of the model's device; CUDA itself is a stand-in here, since tests need no GPU."""

import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from adapters.indextts2.device_memory import gpu_memory
from application.ports.device_memory import DeviceMemory, MemoryUse
from tests.contracts.device_memory import DeviceMemoryContract
from tests.fakes.known_memory import KnownMemory


class StandInCuda:
    """The two functions of ``torch.cuda`` that are called, with one GPU of 24 GB."""

    def __init__(self, *, is_initialized: bool) -> None:
        self._is_initialized = is_initialized

    def is_initialized(self) -> bool:
        return self._is_initialized

    def mem_get_info(self, device: str) -> tuple[int, int]:
        assert self._is_initialized, "the question would make a CUDA context"
        if device != "cuda:0":
            raise RuntimeError("invalid device ordinal")
        return 20 * 10**9, 24 * 10**9


def stand_in_torch(*, is_initialized: bool) -> ModuleType:
    module: Any = ModuleType("torch")
    module.cuda = StandInCuda(is_initialized=is_initialized)
    return module  # type: ignore[no-any-return]  # attributes of a module are not typed


class TestKnownMemory(DeviceMemoryContract):
    @pytest.fixture
    def memory(self) -> DeviceMemory:
        return KnownMemory({"cuda:0": MemoryUse(1, 2)})


class TestGpuMemoryOfAStandIn(DeviceMemoryContract):
    @pytest.fixture
    def memory(self, monkeypatch: pytest.MonkeyPatch) -> DeviceMemory:
        monkeypatch.setitem(sys.modules, "torch", stand_in_torch(is_initialized=True))
        return gpu_memory


def test_used_is_what_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", stand_in_torch(is_initialized=True))
    assert gpu_memory("cuda:0") == MemoryUse(4 * 10**9, 24 * 10**9)


def test_no_cuda_context_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", stand_in_torch(is_initialized=False))
    assert gpu_memory("cuda:0") is None


def test_torch_is_not_imported() -> None:
    program = (
        "import sys; from adapters.indextts2.device_memory import gpu_memory;"
        " assert gpu_memory('cuda:0') is None and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_torch_that_is_still_being_imported_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    assert gpu_memory("cuda:0") is None


def test_torch_without_a_gpu_in_use_tells_nothing() -> None:
    import torch

    assert sys.modules["torch"] is torch
    assert gpu_memory("cuda:0") is None
