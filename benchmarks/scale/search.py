"""The cheapest settings of an endpoint that keep waiting times under a target."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.scale.endpoint import Endpoint
from benchmarks.scale.scenario import Figures, Scenario

IDLE_TIMEOUTS_S = (5.0, 60.0, 300.0)
SHARES_OF_LOAD = (0.5, 0.8, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0)
"""Numbers of active workers to try, as multiples of the average number of busy ones."""
ROOM = 6
"""Most workers to try, as a multiple of the average number of busy ones: more than any burst."""


@dataclass(frozen=True, slots=True)
class Found:
    """Settings that meet the target, and what they lead to."""

    endpoint: Endpoint
    figures: Figures


def cheapest(scenario: Scenario, endpoint: Endpoint, *, target_p95_s: float) -> Found | None:
    """Return the cheapest settings whose 95th percentile of waits is within the target, if any.

    Active workers and the idle timeout are tried on a grid, with room for every burst and without
    flex workers. The most workers are then lowered as far as the target allows. All else stays as
    in ``endpoint``.
    """
    best: Found | None = None
    for candidate in _candidates(scenario, endpoint):
        # Candidates come by their number of active workers, whose cost alone is a lower bound.
        active_cost = candidate.min_workers * scenario.price.active * 3600
        if best and active_cost >= best.figures.cost_per_hour:
            break
        figures = scenario.served_by(candidate)
        is_cheaper = best is None or figures.cost_per_hour < best.figures.cost_per_hour
        if figures.wait_quantiles_s[1] <= target_p95_s and is_cheaper:
            best = Found(candidate, figures)
    return best and _with_fewest_workers(scenario, best, target_p95_s=target_p95_s)


def _candidates(scenario: Scenario, endpoint: Endpoint) -> Iterator[Endpoint]:
    """Yield settings by their number of active workers, first without any flex worker."""
    roomy = replace(endpoint, min_workers=0, max_workers=_room(scenario))
    busy = scenario.served_by(roomy)
    load = busy.gpu_hours_per_hour * busy.utilisation
    counts = {0, 1, *(math.ceil(load * share) for share in SHARES_OF_LOAD)}
    for count in sorted(counts):
        if count >= load:
            yield replace(endpoint, min_workers=count, max_workers=count)
        for idle_s in IDLE_TIMEOUTS_S:
            yield replace(roomy, min_workers=count, idle_timeout_s=idle_s)


def _room(scenario: Scenario) -> int:
    return math.ceil(ROOM * scenario.offered_load) + 10


def _with_fewest_workers(scenario: Scenario, found: Found, *, target_p95_s: float) -> Found:
    """Lower the most workers by bisection while the target is met."""
    too_few = max(found.endpoint.min_workers, 1) - 1
    best = found
    enough = min(found.endpoint.max_workers, found.figures.most_workers)
    while too_few + 1 < enough:
        middle = (too_few + enough) // 2
        endpoint = replace(found.endpoint, max_workers=middle)
        figures = scenario.served_by(endpoint)
        if figures.wait_quantiles_s[1] <= target_p95_s:
            best, enough = Found(endpoint, figures), middle
        else:
            too_few = middle
    return replace(best, endpoint=replace(best.endpoint, max_workers=enough))
