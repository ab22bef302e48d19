"""Memory of the device that a model computes on."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Memory of a device in bytes; ``used_bytes`` is that of all processes together."""

    used_bytes: int
    total_bytes: int


class DeviceMemory(Protocol):
    """Returns how much memory of a device is used."""

    def __call__(self, device: str) -> MemoryUse | None:
        """Return the memory of ``device``, called ``cuda:0`` or ``cpu``, or None.

        None is for a device that is no GPU, and for one that this process does not use yet. The
        question takes no memory of the device. It may take a while, and never raises.
        """
