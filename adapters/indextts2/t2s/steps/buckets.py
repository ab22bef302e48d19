"""Sizes of a decoding step: exact, or rounded up to a few that recur."""

from typing import Protocol


class Buckets(Protocol):
    """Rounds the sizes of a step up. Padding costs time and memory, but changes no code."""

    def rows(self, needed: int) -> int:
        """Return the rows of a batch in which ``needed`` rows are still decoding."""

    def positions(self, needed: int, capacity: int) -> int:
        """Return the cache positions that a step attends over.

        Args:
            needed: Positions in use.
            capacity: Positions that the cache has memory for; the result is at most that.
        """


class ExactShapes:
    """No padding, for devices on which the arithmetic is what costs time."""

    def rows(self, needed: int) -> int:
        return needed

    def positions(self, needed: int, _: int) -> int:
        return needed


class PowerOfTwoBuckets:
    """Rows rounded up to a power of two, and all positions of the cache.

    Few shapes occur, so that a CUDA graph captured for one is replayed often. Where kernel launches
    cost more than arithmetic, the padding is nearly free.
    """

    def rows(self, needed: int) -> int:
        return 1 << (needed - 1).bit_length()

    def positions(self, _: int, capacity: int) -> int:
        return capacity
