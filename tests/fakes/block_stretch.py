"""A stretch without a filter: blocks of 10 ms are repeated or left out."""

from collections.abc import Generator, Iterable

import numpy as np

from domain.audio import Samples


def block_stretch(
    samples: Iterable[Samples], *, sample_rate_hz: int, speed: float
) -> Generator[Samples, None, None]:
    whole = np.concatenate(list(samples))
    block = sample_rate_hz // 100
    places = np.arange(max(round(len(whole) / speed), 1))
    begins = (places // block * block * speed).astype(int)
    yield whole[np.minimum(begins + places % block, len(whole) - 1)]
