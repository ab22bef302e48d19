"""The measured limits of a device, and the number of operations of a piece of work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.sides import STAGES, Clock

_TURNS = 5


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Bytes copied (read and written) and operations multiplied in a second, as measured."""

    bytes_per_second: float
    operations_per_second: float

    @classmethod
    def measure(cls, device: torch.device, clock: Clock, dtype: torch.dtype) -> "Ceiling":
        block = torch.zeros(1 << 26, dtype=dtype, device=device)
        there = torch.empty_like(block)
        square = torch.ones(2048, 2048, dtype=dtype, device=device)
        product = torch.empty_like(square)
        copying = _least(clock, lambda: there.copy_(block))
        multiplying = _least(clock, lambda: torch.mm(square, square, out=product))
        return cls(
            bytes_per_second=2 * block.numel() * block.element_size() / copying,
            operations_per_second=2 * 2048**3 / multiplying,
        )


class Operations:
    """Counts the multiplications and additions in matrix products and convolutions by stage.

    A ``benchmarks.sides.Meter``, like ``Clock``.
    """

    def __init__(self) -> None:
        self._counter = FlopCounterMode(display=False)
        self.spent = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        before = self.now()
        yield
        self.spent[stage] += self.now() - before

    def now(self) -> float:
        return float(self._counter.get_total_flops())

    def count(self, work: Callable[[], object]) -> None:
        with self._counter:
            work()


def _least(clock: Clock, work: Callable[[], object]) -> float:
    work()
    return min(clock.seconds(work) for _ in range(_TURNS))
