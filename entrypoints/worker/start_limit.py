"""RunPod's time limit for a start, which a download of the weights may pass."""

import math
import time
from collections.abc import Callable, Mapping

from application.weight_arrival import Tell

LIMIT_SECONDS = 420.0
"""RunPod marks a worker whose start takes longer as unhealthy, unless the variable says more."""
VARIABLE = "RUNPOD_INIT_TIMEOUT"

_LOADING_SECONDS = 60.0
"""For loading the model once the weights are here: an assumption, since no GPU was measured."""
_MARGIN = 1.5
_ROUND_SECONDS = 60


class StartLimit:
    """Tells once that the start will take longer than RunPod allows, and what to set.

    Time counts from when this object is made.

    Args:
        tell: Gets the line.
        environment: Where the variable may be set already.
        clock: Returns seconds.
    """

    def __init__(
        self,
        *,
        tell: Tell,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell = tell
        self._limit_seconds = _seconds(environment.get(VARIABLE, ""))
        self._clock = clock
        self._began = clock()
        self._is_told = False

    def expect(self, left_seconds: float) -> None:
        """Compare the limit with a start whose weights take ``left_seconds`` more."""
        whole_seconds = self._clock() - self._began + left_seconds + _LOADING_SECONDS
        if self._is_told or whole_seconds <= self._limit_seconds:
            return
        self._is_told = True
        enough = math.ceil(whole_seconds * _MARGIN / _ROUND_SECONDS) * _ROUND_SECONDS
        self._tell(
            "weights",
            f"the start will take about {whole_seconds:,.0f} s, and RunPod allows"
            f" {self._limit_seconds:,.0f} s: set {VARIABLE}={enough} on the endpoint, or keep the"
            " weights on a network volume or in the image",
        )


def _seconds(value: str) -> float:
    return float(value) if value.isdecimal() else LIMIT_SECONDS
