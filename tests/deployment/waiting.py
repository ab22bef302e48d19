"""Waiting for what another process does."""

import time
from collections.abc import Callable

WITHIN_SECONDS = 60


def wait_until(
    holds: Callable[[], bool], is_alive: Callable[[], bool], *, seconds: float = WITHIN_SECONDS
) -> None:
    """Wait until ``holds`` while the process is alive, at most ``seconds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.1)
