"""Samples at another rate, as they come."""

from collections.abc import Generator, Iterable

import numpy as np

from adapters.pyav.failures import own_errors
from domain.audio import Samples

BLOCK_SAMPLES = 512
"""Samples that FFmpeg's resampler gets at once: the last bit of its results depends on it."""


def resampled(
    samples: Iterable[Samples], *, rate_hz: int, output_rate_hz: int
) -> Generator[Samples, None, None]:
    """Yield ``samples`` at ``output_rate_hz``, whatever the parts that they come in.

    Args:
        samples: Arrays of shape (n,), float32, n of 1 or more.
        rate_hz: The rate of ``samples``.
        output_rate_hz: The rate to yield.
    """
    import av

    if rate_hz == output_rate_hz:
        yield from samples
        return
    with own_errors():
        resampler = av.AudioResampler(format="flt", layout="mono", rate=output_rate_hz)
    count = made = 0
    for part in _blocks(samples):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(part)[None], format="flt", layout="mono"
        )
        frame.sample_rate = rate_hz
        frame.pts = count
        count += len(part)
        with own_errors():
            finished = resampler.resample(frame)
        for ready in finished:
            made += ready.samples
            yield ready.to_ndarray()[0]
    with own_errors():
        rest = [ready.to_ndarray()[0] for ready in resampler.resample(None)]
    missing = max(round(count * output_rate_hz / rate_hz), 1) - made
    # FFmpeg's resampler gives nothing for the very shortest inputs; silence fills them up.
    last: Samples = np.concatenate([*rest, np.zeros(max(missing, 0), dtype=np.float32)])
    if missing > 0:
        yield last[:missing]


def _blocks(samples: Iterable[Samples]) -> Generator[Samples, None, None]:
    """Yield ``samples`` in blocks of ``BLOCK_SAMPLES``, and the rest of them at the end."""
    rest: Samples = np.zeros(0, dtype=np.float32)
    for part in samples:
        rest = np.concatenate((rest, part))
        whole = len(rest) - len(rest) % BLOCK_SAMPLES
        for start in range(0, whole, BLOCK_SAMPLES):
            yield rest[start : start + BLOCK_SAMPLES]
        rest = rest[whole:]
    if len(rest):
        yield rest
