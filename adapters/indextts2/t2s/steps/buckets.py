"""How large the batch of a decoding step is: a few sizes that come back, or exact ones."""

from typing import Protocol


class Buckets(Protocol):
    """Rounds the sizes of a step up. What is added changes no code, only what a step costs."""

    def rows(self, needed: int) -> int:
        """How many rows a batch has of which ``needed`` matter."""

    def positions(self, needed: int, space: int) -> int:
        """Over how many positions a step attends of which ``needed`` are used; at most ``space``.

        ``space`` is what the cache has room for.
        """


class ExactShapes:
    """Nothing is added: for devices on which every number costs time."""

    def rows(self, needed: int) -> int:
        return needed

    def positions(self, needed: int, _: int) -> int:
        return needed


class PowerOfTwoBuckets:
    """Powers of two and the whole cache: few shapes, so that a step recorded for one serves often.

    Where launches cost more than numbers, what is added is nearly free.
    """

    def rows(self, needed: int) -> int:
        return 1 << (needed - 1).bit_length()

    def positions(self, _: int, space: int) -> int:
        return space
