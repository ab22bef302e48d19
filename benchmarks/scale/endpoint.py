"""The settings of a simulated endpoint, in RunPod's terms."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueDelay:
    """Start a worker for each job that has waited too long and has no starting worker yet."""

    seconds: float = 4.0  # RunPod's default


@dataclass(frozen=True, slots=True)
class RequestCount:
    """Keep one worker for so many jobs, waiting and running ones together."""

    jobs: int = 4  # RunPod's default


Scaling = QueueDelay | RequestCount


@dataclass(frozen=True, slots=True)
class FlashBoot:
    """A worker that was stopped not long ago starts faster than a new one.

    Args:
        start_s: Its start, in seconds.
        kept_s: Seconds after its stop for which it is kept. RunPod documents no figure.
    """

    start_s: float
    kept_s: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Everything that decides how an endpoint serves its queue.

    Args:
        min_workers: Active workers: they run all the time.
        max_workers: Workers at most, active and flex.
        idle_timeout_s: Seconds after its last job at which a flex worker stops.
        concurrency: Jobs that one worker speaks at the same time.
        company: What one more job on the same worker adds to a job's time, as a share of its time
            alone. 0 is no slowdown, 1 is a worker that gains nothing by speaking jobs together.
        scaling: The rule that starts flex workers.
        cold_start_s: Seconds from the decision to start a worker to its first job.
        flashboot: Faster starts, or None.
        take_interval_s: Least time between two requests of a worker for jobs. RunPod's SDK 1.12.0
            was measured to take about one job a second (docs/concepts/worker.md).
    """

    min_workers: int = 0
    max_workers: int = 3
    idle_timeout_s: float = 5.0
    concurrency: int = 1
    company: float = 1.0
    scaling: Scaling = QueueDelay()
    cold_start_s: float = 60.0
    flashboot: FlashBoot | None = None
    take_interval_s: float = 1.0

    def __post_init__(self) -> None:
        """Refuse settings that no endpoint can have."""
        if not 0 <= self.min_workers <= self.max_workers or self.max_workers < 1:
            raise ValueError("workers: 0 <= min <= max, and max at least 1")
        if self.concurrency < 1:
            raise ValueError("concurrency: at least 1")

    def slowdown(self, jobs: int) -> float:
        """Return how many times longer a job takes while ``jobs`` share its worker."""
        return 1.0 + self.company * (jobs - 1)
