"""What every joiner promises, and where the chunks lie in the joined audio."""

from dataclasses import dataclass
from typing import Protocol

from domain.audio import Samples


@dataclass(frozen=True, slots=True)
class ChunkSpan:
    """The samples ``start`` to ``end`` (exclusive) that a chunk occupies in the joined audio."""

    start: int
    end: int


class Joiner(Protocol):
    """Joins the audio of chunks while it still arrives.

    A joiner takes the samples of the chunks in order, in parts of any length, and returns the
    samples that no later part can change. The samples that it holds back are bounded by the join:
    the overlap of a crossfade, the ramp at a chunk's end, or the silence that may become a pause.
    """

    def push(self, samples: Samples) -> Samples:
        """Add the next part of the current chunk and return the samples that became final.

        Args:
            samples: Shape (n,), float32, n of 0 or more.

        Returns:
            Shape (m,), float32; m has no fixed relation to n.
        """

    def end_chunk(self) -> Samples:
        """Close the current chunk and return the samples that became final: shape (m,), float32.

        Closing the last chunk returns everything that is left.
        """

    @property
    def spans(self) -> tuple[ChunkSpan, ...]:
        """The spans of the closed chunks, in order; the spans of crossfaded neighbours overlap."""
