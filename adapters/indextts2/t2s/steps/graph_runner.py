"""Steps that are recorded once for each shape and repeated from then on."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Protocol

import structlog
import torch

from adapters.indextts2.t2s.steps.buffers import FreshTensors, StaticBuffers, Storage
from adapters.indextts2.t2s.steps.runner import Step

log = structlog.get_logger()


class GraphCapture(Protocol):
    """Records what a step has its device do."""

    def warm_up(self, step: Step) -> None:
        """Take ``step`` as it is, so that what happens once only has happened before it counts."""

    def record(self, step: Step) -> Step:
        """What repeats ``step`` on the same memory; ``step`` itself is not taken.

        Raises:
            RuntimeError: it cannot be recorded. Nothing it reads or writes has changed.
        """

    def forget(self) -> None:
        """Nothing that was recorded so far will be repeated any more."""


class GraphRunner:
    """Takes a key's first step as it is, records its second, and repeats that from then on.

    So what is met only once costs no recording. The ``kept`` keys that were used last are kept.
    Memory stays where it is in ``storage``, for one generation at a time; where it had to move, all
    is recorded anew. If recording fails, that is logged once, and all steps from then on are taken
    as they come: no job fails of it.
    """

    def __init__(self, *, recorder: GraphCapture, storage: StaticBuffers, kept: int = 64) -> None:
        self._recorder = recorder
        self._storage: StaticBuffers | None = storage
        self._kept = kept
        self._moves = storage.moves
        self._met: OrderedDict[Hashable, Step | None] = OrderedDict()

    def storage(self) -> Storage:
        return self._storage or FreshTensors()

    def run(self, key: Hashable, step: Step) -> None:
        if self._storage is None:
            step()
            return
        if self._storage.moves != self._moves:
            self._moves = self._storage.moves
            self._recorder.forget()
            self._met.clear()
        if key not in self._met:
            self._recorder.warm_up(step)
            self._keep(key, None)
            return
        repeat = self._met[key] or self._record(step)
        if repeat is None:
            step()
            return
        self._keep(key, repeat)
        repeat()

    def _record(self, step: Step) -> Step | None:
        try:
            return self._recorder.record(step)
        except RuntimeError as error:
            # Only its words: the error itself would keep what was being recorded in memory.
            reason = str(error)
            advice = (
                "the device has no memory for graphs; all that they held is free again"
                if isinstance(error, torch.OutOfMemoryError)
                else "USE_CUDA_GRAPHS=false does the same from the start"
            )
        log.warning("decoding_without_graphs", advice=advice, reason=reason)
        self._met.clear()
        self._storage = None
        return None

    def _keep(self, key: Hashable, repeat: Step | None) -> None:
        self._met[key] = repeat
        self._met.move_to_end(key)
        if len(self._met) > self._kept:
            self._met.popitem(last=False)
