"""One simulated worker: its running jobs, and the share of the GPU that each gets."""

import heapq
import random
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Worker:
    """A worker that speaks its jobs at the same time, each at the same speed.

    ``progress`` is the work that a job would have done that had been here from the beginning. A job
    ends when progress reaches what it was at its start plus its work, so that a change of the
    speed touches one number and not every job.
    """

    is_active: bool
    started_s: float
    jobs: list[float] = field(default_factory=list)  # heap of the progress at which each ends
    progress: float = 0.0
    updated_s: float = 0.0
    busy_since_s: float = 0.0
    next_request_s: float = 0.0  # the SDK asks for no job before
    changes: int = 0  # an event planned before the latest change is void
    place: int = -1  # index in its list of `FreeWorkers`; -1: in none

    def advance(self, now: float, *, slowdown: float) -> None:
        """Bring progress up to ``now``; ``slowdown`` is what held since the latest change."""
        self.progress += (now - self.updated_s) / slowdown
        self.updated_s = now
        self.changes += 1

    def begin(self, work_s: float) -> None:
        """Add a job of ``work_s`` seconds alone. ``advance`` comes first."""
        heapq.heappush(self.jobs, self.progress + work_s)

    def finish_next(self) -> None:
        """Remove the job that ends now. ``advance`` comes first."""
        heapq.heappop(self.jobs)

    def next_end_s(self, *, slowdown: float) -> float:
        """Return the moment at which the next job ends if no other job begins."""
        return self.updated_s + (self.jobs[0] - self.progress) * slowdown


class FreeWorkers:
    """The workers that would take a job now, by the number of jobs that they have."""

    def __init__(self, concurrency: int) -> None:
        self._levels: list[list[Worker]] = [[] for _ in range(concurrency)]
        self._draw = random.Random(0)  # noqa: S311 - the same choice in every run

    def add(self, worker: Worker) -> None:
        """List ``worker`` under the number of its jobs, which must be less than concurrency."""
        level = self._levels[len(worker.jobs)]
        worker.place = len(level)
        level.append(worker)

    def remove(self, worker: Worker) -> None:
        """Take ``worker`` off its list, before its number of jobs changes; no error if in none."""
        if worker.place < 0:
            return
        level = self._levels[len(worker.jobs)]
        last = level.pop()
        if last is not worker:
            level[worker.place] = last
            last.place = worker.place
        worker.place = -1

    def choose(self) -> Worker | None:
        """Return any of those with the fewest jobs: all of them poll, and chance decides."""
        for level in self._levels:
            if level:
                return level[int(self._draw.random() * len(level))]
        return None
