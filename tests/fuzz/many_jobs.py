"""A long run of jobs against the real handler: ``python -m tests.fuzz.many_jobs --help``.

One in five is bad, is cancelled or takes too long. Every other job must end well, no job may be
lost, and memory must not grow with their number.
"""

import argparse
import asyncio
import gc
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil
import structlog

from application.ports.speech_model import SpokenPart
from domain.delivery import Delivery
from domain.voice import Recording
from entrypoints.runpod_worker import job_handler
from entrypoints.worker.job_handler import JobHandler
from tests.fuzz.handlers import answers, container, fault_in
from tests.models.tone import ToneModel

TIMEOUT_SECONDS = 2.0
_KINDS = ("batch", "stream", "question", "batch")
_TROUBLE = ("bad", "cancelled", "late")
_TEXT = "One sentence, and a second. " * 4
_EXPECTED = {
    "batch": "completed",
    "stream": "complete",
    "question": "healthy",
    "bad": "invalid_request",
    "late": "synthesis_failed",
}


class EndlessModel(ToneModel):
    """Speaks tones, and silence without end for a text with ``ENDLESS``."""

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        while "ENDLESS" in chunks[0]:
            time.sleep(0.01)
            yield SpokenPart(0, np.zeros(100, np.float32), ends_chunk=False)
        yield from super().speak(chunks, voice=voice, delivery=delivery)
        self.requests.clear()
        self.spoken.clear()


@dataclass
class Findings:
    """Findings of a run; memory in MiB, by the number of finished jobs."""

    count: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    megabytes: dict[int, float] = field(default_factory=dict)
    threads: int = 0
    fault: str = ""


async def run(count: int) -> Findings:
    """Send ``count`` jobs to one handler, one after the other, and stop at the first fault."""
    wired = container(EndlessModel(seconds=0.1), job_timeout_seconds=TIMEOUT_SECONDS)
    store = wired.store()
    handler = job_handler(wired, recycle=lambda: None)
    found = Findings()
    for number in range(count):
        kind = _TROUBLE[number // 5 % 3] if number % 5 == 4 else _KINDS[number % 5]
        ending = await _ending(handler, kind, number)
        found.count += 1
        found.endings[f"{kind}: {ending}"] += 1
        if ending != _EXPECTED.get(kind, "cancelled"):
            found.fault = f"job {number} ({kind}) ended as {ending}"
            break
        store.objects.clear()  # type: ignore[attr-defined]  # the fake keeps every file
        if (number + 1) % (count // 10 or 1) == 0:
            gc.collect()
            found.megabytes[number + 1] = psutil.Process().memory_info().rss / 2**20
    found.threads = threading.active_count()
    return found


async def _ending(handler: JobHandler, kind: str, number: int) -> str:
    job = {"id": f"job-{number}", "input": _input(kind)}
    if kind == "cancelled":
        task = asyncio.create_task(answers(handler, job))
        await asyncio.sleep(0.05)
        task.cancel()
        with suppress(asyncio.CancelledError):
            return f"finished as {await task}"
        return "cancelled"
    given = await answers(handler, job)
    last = given[-1] if given else {}
    return fault_in(given) or str(last.get("error", "")).partition(":")[0] or str(last["status"])


def _input(kind: str) -> dict[str, Any]:
    if kind == "question":
        return {"action": "health_check"}
    if kind == "bad":
        return {"text": _TEXT, "emo_alpha": 2}
    if kind in ("cancelled", "late"):
        return {"text": "ENDLESS silence.", "stream": kind == "late"}
    return {"text": _TEXT, "stream": kind == "stream"}


def main() -> None:
    """Run with the arguments of the command line, and print the findings."""
    parser = argparse.ArgumentParser(prog="tests.fuzz.many_jobs", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000, help="how many jobs [1000]")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    began = time.perf_counter()
    found = asyncio.run(run(options.count))
    print(
        f"{found.count} jobs in {time.perf_counter() - began:.1f} s, {found.threads} threads left"
    )
    for ending, count in sorted(found.endings.items()):
        print(f"  {ending}: {count}")
    print("MB:", ", ".join(f"{done}: {size:.1f}" for done, size in found.megabytes.items()))
    if found.fault:
        sys.exit(found.fault)


if __name__ == "__main__":
    main()
