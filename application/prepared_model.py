"""A speech model whose missing weights are fetched before it loads."""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import replace

from application.ports.speech_model import (
    ModelInfo,
    ModelState,
    ModelStatus,
    SpeechModel,
    SpokenPart,
)
from application.ports.weights import WeightFinder, WeightSource, WeightState
from application.weight_arrival import Expect, Tell, WeightArrival, megabytes
from domain.delivery import Delivery
from domain.errors import ModelUnavailable, SpeechError
from domain.voice import Recording

RETRY_SECONDS = 60.0
"""Seconds between a failed fetch and the next one: a hub that is down is not asked at each job."""

_RETRY = f"this worker fetches again for a job that comes {RETRY_SECONDS:g} s later"


class PreparedModel:
    """A model that finds or fetches its weights when it is loaded, and tells of it.

    After a fetch that failed, every request fails at once with the reason. One that comes
    ``RETRY_SECONDS`` later makes another fetch begin in the background.

    Args:
        model: The model.
        weights: The source of its files.
        find: Returns where the files are once none is missing.
        tell: Gets a line for each step.
        expect: Gets each estimate of the time that a fetch still takes.
        clock: Returns seconds.
    """

    def __init__(
        self,
        *,
        model: SpeechModel,
        weights: WeightSource,
        find: WeightFinder,
        tell: Tell,
        expect: Expect,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._weights = weights
        self._find = find
        self._tell = tell
        self._expect = expect
        self._clock = clock
        self._preparing = threading.Lock()
        self._arrival: WeightArrival | None = None
        self._failure: ModelUnavailable | None = None
        self._failed_at = 0.0
        self._has_found_weights = False

    @property
    def info(self) -> ModelInfo:
        return self._model.info

    def status(self) -> ModelStatus:
        """Implement ``SpeechModel.status``; while the weights come, say how far they are."""
        arrival = self._arrival
        status = self._model.status()
        if status.state is not ModelState.MISSING_WEIGHTS:
            return status
        if arrival:
            return ModelStatus(ModelState.LOADING, weights=arrival.so_far)
        return replace(status, advice=self._failure.message) if self._failure else status

    def load(self) -> None:
        """Implement ``SpeechModel.load``; fetch the weights first where some are missing.

        Raises:
            ModelUnavailable, OutOfMemory, DeviceLost: it cannot be loaded.
        """
        if not self._has_found_weights:
            with self._preparing:
                self._find_weights()
        self._model.load()

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        """Implement ``SpeechModel.speak``.

        Raises:
            SpeechError: nothing but the domain's errors.
        """
        self._raise_failure()
        self.load()
        yield from self._model.speak(chunks, voice=voice, delivery=delivery)

    def _find_weights(self) -> None:
        """Fetch the files where some are missing, and tell where they are.

        Raises:
            ModelUnavailable: they cannot be fetched.
        """
        if self._has_found_weights:
            return
        # It is set before the folders are looked at, so that no status calls the weights missing.
        self._arrival = WeightArrival(tell=self._tell, expect=self._expect, clock=self._clock)
        try:
            status = self._model.status()
            if status.state is ModelState.MISSING_WEIGHTS:
                self._fetch(self._arrival, missing=len(status.missing_files))
            elif not status.state.can_speak:
                return
        finally:
            self._arrival = None
        self._has_found_weights = True
        for place in self._find():
            self._tell("weights", f"{place.repository} is in {place.folder}")

    def _fetch(self, arrival: WeightArrival, *, missing: int) -> None:
        self._tell("weights", f"{missing} files are missing: asking the hub for them")
        began = self._clock()
        try:
            files = self._weights.fetch(arrival)
        except ModelUnavailable as error:
            self._failed_at = self._clock()
            self._failure = ModelUnavailable(f"{error.message}; {_RETRY}", extras=error.extras)
            self._tell("weights", f"not fetched: {self._failure.message}")
            raise self._failure from error
        self._failure = None
        fetched = sum(file.size_bytes for file in files if file.state is WeightState.FETCHED)
        total = sum(file.size_bytes for file in files)
        self._tell(
            "weights",
            f"{megabytes(total)} are here and verified, {megabytes(fetched)} of them fetched, in"
            f" {self._clock() - began:,.0f} s",
        )

    def _raise_failure(self) -> None:
        """Refuse a request while the weights are missing after a fetch that failed."""
        failure = self._failure
        if failure is None or self._model.status().state is not ModelState.MISSING_WEIGHTS:
            return
        if self._clock() - self._failed_at >= RETRY_SECONDS and not self._preparing.locked():
            threading.Thread(target=self._try_again, name="weights", daemon=True).start()
        raise ModelUnavailable(failure.message, extras=failure.extras)

    def _try_again(self) -> None:
        with suppress(SpeechError):  # it is kept and told already
            self.load()
