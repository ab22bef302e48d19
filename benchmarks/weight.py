"""Time to load and peak memory of a side of the comparison."""

import resource
import time
from dataclasses import dataclass, replace

import torch

from benchmarks.process import in_a_new_process
from benchmarks.sides import Case, Ours, Package

SIDES: dict[str, type[Package] | type[Ours]] = {"package": Package, "ours": Ours}


@dataclass(frozen=True, slots=True)
class Weight:
    """Time to load and peak memory of a side, in a process of its own."""

    load_seconds: float
    peak_bytes: int


def weigh(side: str, case: Case) -> Weight:
    """Load and speak once in a new process; call it before this one loads anything."""
    return in_a_new_process(_weigh, side, case)


def _weigh(side: str, case: Case) -> Weight:
    torch.set_num_threads(case.threads)
    # Two steps of flow matching need as much memory as 25.
    case = replace(case, flow=replace(case.flow, diffusion_steps=2))
    began = time.perf_counter()
    with torch.inference_mode():
        loaded = SIDES[side](case)
        spent = time.perf_counter() - began
        loaded.take(0, case.chunks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if case.device != "cpu":
        peak = torch.cuda.max_memory_allocated(case.device)
    return Weight(spent, peak)
