"""Steps that are captured once for each key and replayed from then on."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Protocol

import structlog
import torch

from adapters.indextts2.t2s.steps.buffers import Buffers, StaticBuffers
from adapters.indextts2.t2s.steps.runner import EagerRunner, Step, StepRunner

log = structlog.get_logger()


class GraphCapture(Protocol):
    """Captures the device operations of a step."""

    def warm_up(self, step: Step) -> None:
        """Run ``step`` eagerly, so that one-time initialisation is not part of a capture."""

    def capture(self, step: Step) -> Step:
        """Return a function that replays ``step`` on the same memory, without running it now.

        Raises:
            RuntimeError: The step cannot be captured. No tensor that it uses has changed.
        """

    def reset(self) -> None:
        """Prepare for the captures so far to be dropped; none of them is replayed any more."""


class GraphRunner:
    """Captures steps and replays them; runs all steps eagerly once a capture has failed.

    The failure is logged once, no request fails because of it, and the memory of all captures is
    freed.
    """

    def __init__(
        self, *, graph_capture: GraphCapture, buffers: StaticBuffers, max_keys: int = 64
    ) -> None:
        """Create a runner without captures.

        Args:
            graph_capture: Captures steps.
            buffers: Memory of the tensors that captured steps use.
            max_keys: Keys that are kept, the most recently used ones; it bounds the memory of
                captures. A request has up to five batch sizes of 16 rows or fewer, each with some
                cache capacities, so that 64 keys serve several kinds of requests.
        """
        self._runner: StepRunner = _CapturingRunner(graph_capture, buffers, max_keys)

    def start_generation(self) -> Buffers:
        return self._runner.start_generation()

    def run(self, key: Hashable, step: Step) -> None:
        try:
            self._runner.run(key, step)
        except _CaptureFailed as failure:
            log.warning("decoding_without_graphs", advice=failure.advice, reason=failure.reason)
        else:
            return
        self._runner = EagerRunner()
        self._runner.run(key, step)


class _CaptureFailed(Exception):
    """A step could not be captured."""

    def __init__(self, *, advice: str, reason: str) -> None:
        super().__init__(reason)
        self.advice = advice
        self.reason = reason


class _CapturingRunner:
    """Runs the first step of a key eagerly, captures the second and replays it from then on.

    A key that occurs once therefore costs no capture. When a buffer was reallocated, all steps are
    captured anew.
    """

    def __init__(self, graph_capture: GraphCapture, buffers: StaticBuffers, max_keys: int) -> None:
        self._graph_capture = graph_capture
        self._buffers = buffers
        self._max_keys = max_keys
        self._reallocations = buffers.reallocations
        # Least recently used first; None for a key that was run once and is not captured yet.
        self._replays: OrderedDict[Hashable, Step | None] = OrderedDict()

    def start_generation(self) -> Buffers:
        return self._buffers

    def run(self, key: Hashable, step: Step) -> None:
        self._drop_void_replays()
        if key not in self._replays:
            self._graph_capture.warm_up(step)
            self._keep(key, None)
            return
        replay = self._replays[key] or self._capture(step)
        self._keep(key, replay)
        replay()

    def _drop_void_replays(self) -> None:
        if self._buffers.reallocations != self._reallocations:
            self._reallocations = self._buffers.reallocations
            self._graph_capture.reset()
            self._replays.clear()

    def _capture(self, step: Step) -> Step:
        try:
            return self._graph_capture.capture(step)
        except RuntimeError as error:
            # Text only: the error's traceback keeps the memory of the failed capture alive.
            reason = str(error)
            advice = (
                "the device has no memory for graphs; all that they held is free again"
                if isinstance(error, torch.OutOfMemoryError)
                else "USE_CUDA_GRAPHS=false does the same from the start"
            )
        # Outside of the handler, so that this error does not refer to the first one.
        raise _CaptureFailed(advice=advice, reason=reason)

    def _keep(self, key: Hashable, replay: Step | None) -> None:
        self._replays[key] = replay
        self._replays.move_to_end(key)
        if len(self._replays) > self._max_keys:
            self._replays.popitem(last=False)
