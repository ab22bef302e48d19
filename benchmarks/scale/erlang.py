"""Waiting times of an M/M/c queue, by Erlang's C formula.

Poisson arrivals, exponential service, ``servers`` servers, first come, first served (L. Kleinrock,
Queueing Systems, volume 1, section 3.5). The simulation has to agree where these hold.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErlangC:
    """One queue: arrivals a second, mean seconds of service, number of servers."""

    arrival_rate: float
    service_s: float
    servers: int

    @property
    def waiting_probability(self) -> float:
        """The share of arrivals that find every server busy."""
        load = self.arrival_rate * self.service_s
        term = total = 1.0
        for number in range(1, self.servers):
            term *= load / number
            total += term
        all_busy = term * load / self.servers / (1 - load / self.servers)
        return all_busy / (total + all_busy)

    @property
    def mean_wait_s(self) -> float:
        """The mean time in the queue, those who do not wait included."""
        return self.waiting_probability / self._clearing_rate

    def wait_quantile_s(self, share: float) -> float:
        """Return the time that ``share`` of all arrivals wait at most."""
        beyond = self.waiting_probability / (1 - share)
        return max(0.0, math.log(beyond) / self._clearing_rate)

    @property
    def _clearing_rate(self) -> float:
        return self.servers / self.service_s - self.arrival_rate
