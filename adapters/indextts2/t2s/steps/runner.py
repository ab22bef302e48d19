"""How a decoding step is run."""

from collections.abc import Callable, Hashable
from typing import Protocol

from adapters.indextts2.t2s.steps.buffers import FreshTensors, Storage

Step = Callable[[], None]
"""Reads weights and what lies in a storage, and writes what lies there, always in the same places.

It answers nothing, and nothing of Python that it reads or changes differs from one time to the
next. So the device may repeat it without Python.
"""


class StepRunner(Protocol):
    """Runs the steps of one generation after another."""

    def storage(self) -> Storage:
        """Where the next generation keeps what its steps share; the last one's is then void."""

    def run(self, key: Hashable, step: Step) -> None:
        """Take ``step``. Steps with the same ``key`` do the same in places of the same shapes."""


class EagerRunner:
    """Takes each step as it comes."""

    def storage(self) -> FreshTensors:
        return FreshTensors()

    def run(self, _: Hashable, step: Step) -> None:
        step()
