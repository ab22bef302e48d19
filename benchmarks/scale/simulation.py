"""A discrete-event simulation of an endpoint: its queue, its workers, its scaling.

Jobs are taken first come, first served. A free worker asks for as many jobs as it has room for. Of
several, one with the fewest jobs gets them. A worker is billed from its start to its stop.
"""

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.scale.endpoint import Endpoint, QueueDelay
from benchmarks.scale.worker import FreeWorkers, Worker
from benchmarks.scale.workload import Jobs, Seconds


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What was seen between the warm-up and the last arrival."""

    waits_s: Seconds  # (counted jobs,), from the arrival to the worker's first step
    first_audio_s: Seconds  # (counted jobs,), from the arrival to the first audio
    audio_s: float  # of all counted jobs together
    span_s: float
    active_s: float  # billed seconds of active workers
    flex_s: float  # billed seconds of flex workers
    busy_s: float  # seconds of workers with at least one job
    most_workers: int
    starts: int  # of flex workers


def simulate(jobs: Jobs, endpoint: Endpoint, *, warm_up_s: float, end_s: float) -> Outcome:
    """Serve ``jobs`` and return what those saw that arrived from ``warm_up_s`` to ``end_s``."""
    return _Simulation(jobs, endpoint, warm_up_s=warm_up_s, end_s=end_s).run()


class _Simulation:
    def __init__(self, jobs: Jobs, endpoint: Endpoint, *, warm_up_s: float, end_s: float) -> None:
        self._jobs = jobs
        self._work_s: list[float] = jobs.work_s.tolist()
        self._endpoint = endpoint
        self._warm_up_s, self._end_s = warm_up_s, end_s
        self._slowdown = [1.0, *map(endpoint.slowdown, range(1, endpoint.concurrency + 1))]
        self._events: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self._order = itertools.count()
        self._free = FreeWorkers(endpoint.concurrency)
        self._taken_s = np.zeros(len(self._work_s))
        self._company = np.ones(len(self._work_s))
        self._arrived = self._taken = self._running = 0
        self._workers = self._starting = self._most_workers = self._starts = 0
        self._stopped_s: list[float] = []
        self._billed_s = {True: 0.0, False: 0.0}  # by Worker.is_active
        self._busy_s = 0.0

    def run(self) -> Outcome:
        active = [Worker(is_active=True, started_s=0.0) for _ in range(self._endpoint.min_workers)]
        self._workers = self._most_workers = len(active)
        for worker in active:
            self._free.add(worker)
        for arrival in self._jobs.arrivals_s.tolist():
            self._run_events(until=arrival)
            self._arrive(arrival)
        self._run_events(until=math.inf)
        for worker in active:
            self._bill(worker, self._end_s)
        return self._outcome()

    def _run_events(self, *, until: float) -> None:
        events = self._events
        while events and events[0][0] <= until:
            now, _, happen, arguments = heapq.heappop(events)
            happen(now, *arguments)

    def _plan(self, moment: float, happen: Callable[..., None], *arguments: object) -> None:
        heapq.heappush(self._events, (moment, next(self._order), happen, arguments))

    def _arrive(self, now: float) -> None:
        self._arrived += 1
        self._dispatch(now)
        scaling = self._endpoint.scaling
        if not isinstance(scaling, QueueDelay):
            in_hand = self._arrived - self._taken + self._running
            for _ in range(math.ceil(in_hand / scaling.jobs) - self._workers):
                self._start(now)
        elif self._taken < self._arrived:
            self._plan(now + scaling.seconds, self._overdue, self._arrived)
        if self._workers == 0:
            self._start(now)

    def _overdue(self, now: float, number: int) -> None:
        """Start a worker if job ``number`` still waits and no starting worker has room for it."""
        waiting = number - self._taken
        if waiting > self._starting * self._endpoint.concurrency:
            self._start(now)

    def _start(self, now: float) -> None:
        if self._workers >= self._endpoint.max_workers:
            return
        self._workers += 1
        self._starting += 1
        self._most_workers = max(self._most_workers, self._workers)
        self._starts += self._warm_up_s <= now < self._end_s
        worker = Worker(is_active=False, started_s=now)
        self._plan(now + self._start_seconds(now), self._come_up, worker)

    def _start_seconds(self, now: float) -> float:
        flashboot = self._endpoint.flashboot
        if flashboot and self._stopped_s and now - self._stopped_s.pop() <= flashboot.kept_s:
            return flashboot.start_s
        return self._endpoint.cold_start_s

    def _come_up(self, now: float, worker: Worker) -> None:
        self._starting -= 1
        worker.updated_s = now
        self._free.add(worker)
        self._dispatch(now)
        self._plan_stop(now, worker)

    def _dispatch(self, now: float) -> None:
        while self._taken < self._arrived:
            worker = self._free.choose()
            if worker is None:
                return
            self._take(now, worker)

    def _take(self, now: float, worker: Worker) -> None:
        had = len(worker.jobs)
        self._free.remove(worker)
        if not had:
            worker.busy_since_s = now
        worker.advance(now, slowdown=self._slowdown[had])
        count = min(self._endpoint.concurrency - had, self._arrived - self._taken)
        taken = slice(self._taken, self._taken + count)
        for work_s in self._work_s[taken]:
            worker.begin(work_s)
        self._taken_s[taken] = now
        self._company[taken] = self._slowdown[had + count]
        self._taken += count
        self._running += count
        worker.next_request_s = now + self._endpoint.take_interval_s
        self._plan_end(worker)
        self._offer(now, worker)

    def _offer(self, now: float, worker: Worker) -> None:
        """List ``worker`` as free if it has room, now or when it may ask for jobs again."""
        if len(worker.jobs) >= self._endpoint.concurrency:
            return
        if now >= worker.next_request_s:
            self._free.add(worker)
        else:
            self._plan(worker.next_request_s, self._ask, worker, worker.changes)

    def _ask(self, now: float, worker: Worker, changes: int) -> None:
        if worker.changes == changes:
            self._free.add(worker)
            self._dispatch(now)

    def _plan_end(self, worker: Worker) -> None:
        moment = worker.next_end_s(slowdown=self._slowdown[len(worker.jobs)])
        self._plan(moment, self._end_job, worker, worker.changes)

    def _end_job(self, now: float, worker: Worker, changes: int) -> None:
        if worker.changes != changes:
            return
        had = len(worker.jobs)
        self._free.remove(worker)
        worker.advance(now, slowdown=self._slowdown[had])
        worker.finish_next()
        self._running -= 1
        if worker.jobs:
            self._plan_end(worker)
        else:
            self._busy_s += self._counted(worker.busy_since_s, now)
        self._offer(now, worker)
        self._dispatch(now)
        self._plan_stop(now, worker)

    def _plan_stop(self, now: float, worker: Worker) -> None:
        if not worker.jobs and not worker.is_active:
            moment = now + self._endpoint.idle_timeout_s
            self._plan(moment, self._stop, worker, worker.changes)

    def _stop(self, now: float, worker: Worker, changes: int) -> None:
        if worker.changes != changes:
            return
        self._free.remove(worker)
        self._workers -= 1
        self._stopped_s.append(now)
        self._bill(worker, now)

    def _bill(self, worker: Worker, now: float) -> None:
        self._billed_s[worker.is_active] += math.ceil(self._counted(worker.started_s, now))

    def _counted(self, begin: float, end: float) -> float:
        """Return the seconds from ``begin`` to ``end`` that lie in the time that is counted."""
        return max(0.0, min(end, self._end_s) - max(begin, self._warm_up_s))

    def _outcome(self) -> Outcome:
        arrivals = self._jobs.arrivals_s
        counted = (arrivals >= self._warm_up_s) & (arrivals < self._end_s)
        waits = (self._taken_s - arrivals)[counted]
        return Outcome(
            waits_s=waits,
            first_audio_s=waits + (self._jobs.first_s * self._company)[counted],
            audio_s=float(self._jobs.audio_s[counted].sum()),
            span_s=self._end_s - self._warm_up_s,
            active_s=self._billed_s[True],
            flex_s=self._billed_s[False],
            busy_s=self._busy_s,
            most_workers=self._most_workers,
            starts=self._starts,
        )
