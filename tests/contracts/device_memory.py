"""What every answer to the question for a device's memory promises."""

from abc import ABC, abstractmethod

import pytest

from application.ports.device_memory import DeviceMemory


class DeviceMemoryContract(ABC):
    """``memory`` has one GPU that is in use, ``cuda:0``."""

    @pytest.fixture
    @abstractmethod
    def memory(self) -> DeviceMemory: ...

    def test_a_gpu_in_use_has_used_and_total_bytes(self, memory: DeviceMemory) -> None:
        found = memory("cuda:0")
        assert found
        assert 0 <= found.used_bytes <= found.total_bytes

    def test_the_processor_has_no_such_memory(self, memory: DeviceMemory) -> None:
        assert memory("cpu") is None

    def test_a_gpu_that_is_not_there_has_none(self, memory: DeviceMemory) -> None:
        assert memory("cuda:7") is None
