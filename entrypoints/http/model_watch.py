"""The model's state, for questions that may not wait for an answer."""

import asyncio

from application.ports.speech_model import ModelState, ModelStatus, SpeechModel
from entrypoints.engine.thread_stream import in_thread
from entrypoints.http.start import Start

LONGEST_LOOK_SECONDS = 0.03
"""Longest wait for the model's own answer; a load balancer gets one within 50 ms."""


class ModelWatch:
    """The latest known state of the model.

    A model that is not loaded looks for its files when it is asked, and a disk may be slow. The
    answer is then the one before, and a later question gets the new one.

    Args:
        model: The model.
        start: While it is under way, weights that are missing are about to come.
    """

    def __init__(self, model: SpeechModel, *, start: Start) -> None:
        self._model = model
        self._start = start
        self._latest = ModelState.NOT_LOADED
        self._look: asyncio.Task[ModelStatus] | None = None

    async def state(self) -> ModelState:
        """Return the state, at most ``LONGEST_LOOK_SECONDS`` later."""
        if self._look is None:
            self._look = asyncio.create_task(in_thread(self._model.status))
        look = self._look  # which questions that overlap share
        await asyncio.wait({look}, timeout=LONGEST_LOOK_SECONDS)
        if look.done():
            self._latest = self._judged(look.result().state)
            if self._look is look:
                self._look = None
        return self._latest

    def _judged(self, state: ModelState) -> ModelState:
        is_coming = state is ModelState.MISSING_WEIGHTS and self._start.is_under_way
        return ModelState.LOADING if is_coming else state
