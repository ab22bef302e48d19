"""The memory of a GPU, as far as this process uses it: torch is neither imported nor started."""

import sys

from application.ports.device_memory import MemoryUse


def gpu_memory(device: str) -> MemoryUse | None:
    """Implement ``DeviceMemory``.

    ``torch.cuda.mem_get_info`` would make a CUDA context, of hundreds of megabytes, where there is
    none yet: it is called only once the model has made one.
    """
    torch = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda"):
        return None
    try:
        if not torch.cuda.is_initialized():
            return None
        free, total = torch.cuda.mem_get_info(device)
    except AttributeError:  # another thread is still importing torch
        return None
    except RuntimeError:  # the context is lost; the model's state tells it
        return None
    return MemoryUse(used_bytes=total - free, total_bytes=total)
