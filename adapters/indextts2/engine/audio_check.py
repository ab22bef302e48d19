"""A check that a segment's samples are speech that can be played."""

import numpy as np

from domain.audio import Samples, audible_span
from domain.errors import SynthesisFailed
from domain.voice import SILENT_AMPLITUDE


class AudioCheck:
    """Checks the samples of one segment, piece after piece.

    Args:
        chunk_number: The chunk's number in messages, from 1.
    """

    def __init__(self, chunk_number: int) -> None:
        self._chunk_number = chunk_number
        self._is_audible = False

    def check(self, samples: Samples) -> None:
        """Check a piece that is not the segment's last.

        Raises:
            SynthesisFailed: a sample is not finite.
        """
        if not np.isfinite(samples).all():
            raise SynthesisFailed(
                f"the model produced broken audio for chunk {self._chunk_number};"
                " try another seed, or USE_FP16=false"
            )
        self._is_audible |= audible_span(samples, threshold=SILENT_AMPLITUDE) is not None

    def check_last(self, samples: Samples) -> None:
        """Check the segment's last piece.

        Raises:
            SynthesisFailed: a sample is not finite, or no sample of the segment is audible.
        """
        self.check(samples)
        if not self._is_audible:
            raise SynthesisFailed(
                f"the model produced silence for chunk {self._chunk_number};"
                " try another seed or another voice"
            )
