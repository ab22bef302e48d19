"""Running of decoding steps."""

from collections.abc import Callable, Hashable
from typing import Protocol

from adapters.indextts2.t2s.steps.buffers import Buffers, FreshTensors

Step = Callable[[], None]
"""One decoding step, which a CUDA graph can capture and replay.

It reads weights and buffers, and writes results to the same buffers. It returns nothing, and
depends on no Python state that changes between calls.
"""


class StepRunner(Protocol):
    """Runs the steps of one generation at a time."""

    def start_generation(self) -> Buffers:
        """Return the buffers that the steps of the next generation share.

        Those of the generation before must not be used any more.
        """

    def run(self, key: Hashable, step: Step) -> None:
        """Run ``step``.

        Steps of the same ``key`` do the same work, on tensors of the same shapes.
        """


class EagerRunner:
    """Calls each step."""

    def start_generation(self) -> FreshTensors:
        return FreshTensors()

    def run(self, _: Hashable, step: Step) -> None:
        step()
