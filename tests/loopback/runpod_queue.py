"""RunPod's job queue on the loopback, for the SDK's worker and for its client.

The worker takes jobs, posts pieces and results, pings, and polls for jobs to stop; the client
runs, polls, streams and cancels. Every post of a worker is recorded with its time and size, and
any of them can be made to fail.
"""

import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from tests.loopback.runpod_server import QueueServer

ENDPOINT = "indextts"
KEY = "rp-loopback-key"
FINAL = ("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT")
LONG_POLL_SECONDS = 0.5

LONGEST_WAIT_SECONDS = 240.0
"""A first job waits for the import of torch and the model, for 90 s on a machine with load 12."""


@dataclass(frozen=True)
class Post:
    """One post of a worker; ``kind`` is job-stream or job-done, ``at`` in seconds."""

    kind: str
    job_id: str
    size: int
    body: dict[str, Any]
    at: float
    answered: int
    key: str

    @property
    def is_progress(self) -> bool:
        """Whether it tells how far the job is, and not how it ended."""
        return self.body.get("status") == "IN_PROGRESS"


@dataclass
class Job:
    """A job in the queue, and every post of a worker about it."""

    id: str
    input: Any
    s3_config: Any = None
    status: str = "IN_QUEUE"
    output: Any = None
    error: str | None = None
    stops_pod: bool = False
    taken_at: float = 0.0
    posts: list[Post] = field(default_factory=list)
    unread: deque[Any] = field(default_factory=deque)

    @property
    def pieces(self) -> list[Any]:
        """The streamed pieces that the queue accepted, in order."""
        return [
            post.body["output"]
            for post in self.posts
            if post.kind == "job-stream" and post.answered == HTTPStatus.OK
        ]

    @property
    def progress(self) -> list[Any]:
        """The progress that was posted, in order."""
        return [post.body["output"] for post in self.posts if post.is_progress]

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self.status in FINAL


@dataclass
class Fault:
    """``status`` for the next ``times`` posts of ``kind``, of one job or of any."""

    kind: str
    status: int
    times: int
    job_id: str | None = None


class JobQueue:
    """Stands in for RunPod's queue, from its construction until it is closed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._to_stop: deque[str] = deque()
        self._faults: list[Fault] = []
        self._numbers = itertools.count(1)
        self.pings: list[dict[str, str]] = []
        self._is_open = True
        self._server = QueueServer(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Answer no more requests."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        """The URL before the endpoint's name."""
        return f"http://127.0.0.1:{self._server.server_port}/v2"

    def worker_environment(self, worker_id: str = "worker-1") -> dict[str, str]:
        """Return the variables that RunPod sets in a worker's container."""
        base = f"{self.base_url}/{ENDPOINT}"
        return {
            "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/$ID?gpu=none".replace("$ID", worker_id),
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/$RUNPOD_POD_ID/$ID?gpu=none",
            "RUNPOD_WEBHOOK_POST_STREAM": f"{base}/job-stream/$RUNPOD_POD_ID/$ID?gpu=none",
            "RUNPOD_WEBHOOK_PING": f"{base}/ping/$RUNPOD_POD_ID?gpu=none",
            "RUNPOD_POD_ID": worker_id,
            "RUNPOD_AI_API_KEY": KEY,
            "RUNPOD_ENDPOINT_ID": ENDPOINT,
            "RUNPOD_PING_INTERVAL": "2000",
            "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
            "RUNPOD_SKIP_GPU_CHECK": "true",
        }

    # For tests.

    def submit(self, job_input: Any, *, job_id: str | None = None, s3_config: Any = None) -> Job:
        job = Job(job_id or f"job-{next(self._numbers)}", job_input, s3_config)
        with self._changed:
            self._jobs[job.id] = job
            self._waiting.append(job)
            self._changed.notify_all()
        return job

    def wait(self, job: Job, *, seconds: float = LONGEST_WAIT_SECONDS) -> Job:
        self.wait_until(lambda: job.is_final, seconds=seconds, what=f"{job.id} {job.status}")
        return job

    def run(
        self, job_input: Any, *, job_id: str | None = None, seconds: float = LONGEST_WAIT_SECONDS
    ) -> Job:
        return self.wait(self.submit(job_input, job_id=job_id), seconds=seconds)

    def wait_until(
        self,
        is_true: Callable[[], bool],
        *,
        seconds: float = LONGEST_WAIT_SECONDS,
        what: str = "it",
    ) -> None:
        with self._changed:
            if not self._changed.wait_for(is_true, timeout=seconds):
                raise AssertionError(f"{what}: not within {seconds} s")

    def cancel(self, job: Job) -> None:
        with self._changed:
            if not job.is_final:
                job.status = "CANCELLED"
                self._to_stop.append(job.id)
                self._changed.notify_all()

    def fail_posts(self, kind: str, status: int, *, times: int, job_id: str | None = None) -> Fault:
        fault = Fault(kind, status, times, job_id)
        with self._changed:
            self._faults.append(fault)
        return fault

    # For the worker.

    def take(self, count: int) -> list[dict[str, Any]]:
        with self._changed:
            self._changed.wait_for(
                lambda: bool(self._waiting) or not self._is_open, timeout=LONG_POLL_SECONDS
            )
            taken: list[dict[str, Any]] = []
            while self._waiting and len(taken) < count:
                job = self._waiting.popleft()
                if not job.is_final:
                    job.status = "IN_PROGRESS"
                    job.taken_at = time.monotonic()
                    own = {} if job.s3_config is None else {"s3Config": job.s3_config}
                    taken.append({"id": job.id, "input": job.input} | own)
            self._changed.notify_all()
            return taken

    def jobs_to_stop(self) -> list[str]:
        with self._changed:
            self._changed.wait_for(
                lambda: bool(self._to_stop) or not self._is_open, timeout=LONG_POLL_SECONDS
            )
            stopped = list(self._to_stop)
            self._to_stop.clear()
            return stopped

    def receive(self, kind: str, job_id: str, raw: bytes, key: str) -> int:
        """Record a post and return its HTTP status."""
        body = json.loads(raw)
        with self._changed:
            status = self._status_of_post(kind, job_id)
            job = self._jobs[job_id]
            job.posts.append(Post(kind, job_id, len(raw), body, time.monotonic(), status, key))
            if status == HTTPStatus.OK:
                self._apply(job, kind, body)
            self._changed.notify_all()
            return status

    def ping(self, query: dict[str, str]) -> None:
        with self._changed:
            self.pings.append(query)
            self._changed.notify_all()

    def _status_of_post(self, kind: str, job_id: str) -> int:
        for fault in self._faults:
            if fault.kind == kind and fault.times > 0 and fault.job_id in (None, job_id):
                fault.times -= 1
                return fault.status
        return 200

    def _apply(self, job: Job, kind: str, body: dict[str, Any]) -> None:
        if kind == "job-stream":
            job.unread.append(body)
            return
        if body.get("status") == "IN_PROGRESS":
            job.output = body["output"]  # even of a job that has ended: nothing may come then
            return
        job.stops_pod = bool(body.get("stopPod"))
        if job.is_final:
            return
        job.error = body.get("error")
        job.output = body.get("output")
        job.status = "FAILED" if job.error else "COMPLETED"

    # For the client.

    def answer_client(self, method: str, verb: str, job_id: str, body: Any) -> tuple[int, Any]:
        if verb == "health":
            return 200, self._health()
        if verb in ("run", "runsync") and method == "POST":
            job = self.submit(body["input"], s3_config=body.get("s3Config"))
            if verb == "runsync":
                self.wait(job)
            return 200, self._shown(job)
        job_or_none = self._jobs.get(job_id)
        if job_or_none is None:
            return 404, {"error": "job not found"}
        if verb == "cancel" and method == "POST":
            self.cancel(job_or_none)
        elif verb == "stream":
            return 200, self._streamed(job_or_none)
        elif verb != "status":
            return 404, {"error": "unknown"}
        return 200, self._shown(job_or_none)

    def _streamed(self, job: Job) -> dict[str, Any]:
        with self._changed:
            self._changed.wait_for(
                lambda: bool(job.unread) or job.is_final or not self._is_open,
                timeout=LONG_POLL_SECONDS,
            )
            pieces = list(job.unread)
            job.unread.clear()
            return {"status": job.status, "stream": pieces}

    def _shown(self, job: Job) -> dict[str, Any]:
        shown = {"id": job.id, "status": job.status, "output": job.output, "error": job.error}
        return {name: value for name, value in shown.items() if value is not None}

    def _health(self) -> dict[str, Any]:
        with self._changed:
            states = [job.status for job in self._jobs.values()]
        return {
            "jobs": {
                "completed": states.count("COMPLETED"),
                "failed": states.count("FAILED"),
                "inProgress": states.count("IN_PROGRESS"),
                "inQueue": states.count("IN_QUEUE"),
                "retried": 0,
            },
            "workers": {"idle": 0, "running": 1},
        }
