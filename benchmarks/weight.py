"""What a side of the comparison weighs: time to load, and memory."""

import multiprocessing
import resource
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from benchmarks.sides import Case, Ours, Package

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SIDES: dict[str, type[Package] | type[Ours]] = {"package": Package, "ours": Ours}


@dataclass(frozen=True, slots=True)
class Weight:
    """What a side weighs in a process of its own."""

    load_seconds: float
    peak_bytes: int


def weigh(side: str, case: Case) -> Weight:
    """Load and speak once in a new process.

    Call it before this process loads anything: a child starts with its parent's peak.
    """
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_weigh, args=(side, case, sender))
    process.start()
    sender.close()
    weight: Weight = receiver.recv()
    process.join()
    return weight


def _weigh(side: str, case: Case, sender: "Connection") -> None:
    torch.set_num_threads(case.threads)
    # Two steps of flow matching need as much memory as 25.
    case = replace(case, plan=replace(case.plan, diffusion_steps=2))
    began = time.perf_counter()
    with torch.inference_mode():
        loaded = SIDES[side](case)
        spent = time.perf_counter() - began
        loaded.take(0, case.chunks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if case.device != "cpu":
        peak = torch.cuda.max_memory_allocated(case.device)
    sender.send(Weight(spent, peak))
