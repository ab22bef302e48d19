"""What arrives: when jobs come, and how much work each is."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]
CHARACTERS_PER_SECOND = 15.0
"""Characters of English that make a second of speech; an assumption for the texts."""
CHUNK_SECONDS = 10.0
"""Audio of a first chunk of 150 characters, the bound of stream mode."""
LONGEST_TEXT = 10_000
"""MAX_TEXT_CHARS, in characters."""


@dataclass(frozen=True, slots=True)
class Bursts:
    """Arrivals that come in waves; the average rate over a long time stays the same.

    Args:
        factor: Rate inside a burst, as a multiple of the average.
        share: Part of the time that lies in bursts; ``factor * share`` is at most 1.
        seconds: Mean length of a burst.
    """

    factor: float = 5.0
    share: float = 0.1
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Speed:
    """How long a GPU takes for a job that it speaks alone.

    Args:
        rtf_first: Real-time factor of the first chunk, which is spoken alone.
        rtf_rest: Real-time factor of all later chunks, which are spoken in batches.
        overhead_s: Seconds of a job beside the model: taking it, storing the result.
    """

    rtf_first: float
    rtf_rest: float
    overhead_s: float = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Jobs:
    """Jobs in the order of their arrival; all arrays are as long as there are jobs."""

    arrivals_s: Seconds  # (jobs,)
    work_s: Seconds  # (jobs,), time on a worker that has no other job
    first_s: Seconds  # (jobs,), the part of it until the first audio
    audio_s: Seconds  # (jobs,)


def poisson(rate: float, *, seconds: float, draw: np.random.Generator) -> Seconds:
    """Return the moments of independent arrivals, ``rate`` a second on average."""
    count = draw.poisson(rate * seconds)
    return np.sort(draw.uniform(0.0, seconds, count))


def bursty(rate: float, *, seconds: float, bursts: Bursts, draw: np.random.Generator) -> Seconds:
    """Return the moments of arrivals with two rates (a Markov-modulated Poisson process)."""
    quiet_rate = rate * (1 - bursts.factor * bursts.share) / (1 - bursts.share)
    phases = (
        (rate * bursts.factor, bursts.seconds),
        (quiet_rate, bursts.seconds * (1 - bursts.share) / bursts.share),
    )
    moments: list[Seconds] = []
    begin, number = 0.0, 1
    while begin < seconds:
        rate_here, mean = phases[number % 2]
        length = min(draw.exponential(mean), seconds - begin)
        moments.append(begin + poisson(rate_here, seconds=length, draw=draw))
        begin, number = begin + length, number + 1
    return np.concatenate(moments)


def spoken_jobs(
    arrivals_s: Seconds,
    *,
    median_characters: float,
    spread: float,
    speed: Speed,
    draw: np.random.Generator,
) -> Jobs:
    """Give each arrival a text of random length and the work that it costs.

    Args:
        arrivals_s: When the jobs come, in order.
        median_characters: Half of the texts are shorter.
        spread: Standard deviation of the logarithm of the length (a log-normal distribution).
        speed: The GPU.
        draw: Where the lengths are drawn from.
    """
    characters = draw.lognormal(math.log(median_characters), spread, len(arrivals_s))
    audio_s = np.clip(characters, 1, LONGEST_TEXT) / CHARACTERS_PER_SECOND
    first_s = speed.rtf_first * np.minimum(audio_s, CHUNK_SECONDS)
    rest_s = speed.rtf_rest * np.maximum(audio_s - CHUNK_SECONDS, 0)
    return Jobs(arrivals_s, speed.overhead_s + first_s + rest_s, first_s, audio_s)
