"""One run of the simulation: its traffic, its GPU, and what it costs."""

from dataclasses import dataclass

import numpy as np

from benchmarks.scale.endpoint import Endpoint
from benchmarks.scale.simulation import Outcome, simulate
from benchmarks.scale.workload import Bursts, Jobs, Speed, bursty, poisson, spoken_jobs

SHORTEST_SPAN_S = 300.0
"""Seconds: several cold starts and many idle timeouts, so that scaling is seen at high rates."""
BURSTS_SEEN = 6
"""Bursts that a run must span, on average: a rate over fewer says little."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What arrives at the endpoint.

    Args:
        jobs_per_minute: The average rate.
        bursts: Waves, or None for a steady rate.
        median_characters: Half of the texts are shorter.
        spread: Standard deviation of the logarithm of their length.
        counted_jobs: Jobs that are counted, about; at high rates there are more.
        seed: The same seed gives the same jobs.
    """

    jobs_per_minute: float
    bursts: Bursts | None = None
    median_characters: float = 200.0
    spread: float = 1.0
    counted_jobs: int = 20_000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a second of a worker."""

    flex: float
    active: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What a reader of the table wants to know. Times are in seconds."""

    mean_wait_s: float
    wait_quantiles_s: tuple[float, float, float]  # 50, 95, 99 %
    first_audio_quantiles_s: tuple[float, float]  # 50, 95 %
    gpu_hours_per_hour: float
    utilisation: float
    starts_per_hour: float
    most_workers: int
    cost_per_hour: float
    cost_per_hour_of_speech: float


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """Jobs that were drawn once, to be served by one endpoint after another."""

    jobs: Jobs
    warm_up_s: float
    end_s: float
    price: Price

    @classmethod
    def draw(cls, traffic: Traffic, *, speed: Speed, price: Price) -> "Scenario":
        """Draw the jobs of ``traffic``. A tenth of the time before them is a warm-up."""
        rate = traffic.jobs_per_minute / 60
        bursts = traffic.bursts
        cycle_s = bursts.seconds / bursts.share if bursts else 0.0
        span_s = max(SHORTEST_SPAN_S, BURSTS_SEEN * cycle_s, traffic.counted_jobs / rate)
        warm_up_s = max(SHORTEST_SPAN_S, span_s / 10)
        end_s = warm_up_s + span_s
        draw = np.random.default_rng(traffic.seed)
        if bursts:
            arrivals = bursty(rate, seconds=end_s, bursts=bursts, draw=draw)
        else:
            arrivals = poisson(rate, seconds=end_s, draw=draw)
        jobs = spoken_jobs(
            arrivals,
            median_characters=traffic.median_characters,
            spread=traffic.spread,
            speed=speed,
            draw=draw,
        )
        return cls(jobs, warm_up_s, end_s, price)

    def served_by(self, endpoint: Endpoint) -> Figures:
        """Run the simulation with ``endpoint`` and return what it costs and how long jobs wait."""
        seen = simulate(self.jobs, endpoint, warm_up_s=self.warm_up_s, end_s=self.end_s)
        return _figures(seen, self.price)

    @property
    def offered_load(self) -> float:
        """Workers that would be busy on average if each spoke one job at a time."""
        return float(self.jobs.work_s.sum()) / self.end_s


def _figures(seen: Outcome, price: Price) -> Figures:
    hours = seen.span_s / 3600
    billed_s = seen.active_s + seen.flex_s
    cost = seen.active_s * price.active + seen.flex_s * price.flex
    median, high, highest = (float(q) for q in np.quantile(seen.waits_s, (0.5, 0.95, 0.99)))
    first_median, first_high = (float(q) for q in np.quantile(seen.first_audio_s, (0.5, 0.95)))
    return Figures(
        mean_wait_s=float(seen.waits_s.mean()),
        wait_quantiles_s=(median, high, highest),
        first_audio_quantiles_s=(first_median, first_high),
        gpu_hours_per_hour=billed_s / seen.span_s,
        utilisation=seen.busy_s / billed_s,
        starts_per_hour=seen.starts / hours,
        most_workers=seen.most_workers,
        cost_per_hour=cost / hours,
        cost_per_hour_of_speech=cost / (seen.audio_s / 3600),
    )
