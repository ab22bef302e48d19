"""The memory of devices that a test makes up."""

from application.ports.device_memory import MemoryUse


class KnownMemory:
    """Answers with ``devices``, and None for any other."""

    def __init__(self, devices: dict[str, MemoryUse]) -> None:
        self.devices = devices

    def __call__(self, device: str) -> MemoryUse | None:
        return self.devices.get(device)
