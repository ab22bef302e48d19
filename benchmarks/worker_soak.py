"""Two hundred jobs in a row through RunPod's SDK, one in five bad: lost jobs and lost memory.

``python -m benchmarks.worker_soak [--jobs 200]``: prints one line a checkpoint and the ratio of
the worker's memory at the last job to that at the fiftieth; fails if a job was lost or wrong, or
if memory grew by more than five per cent.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.loopback.runpod_queue import Job, JobQueue
from tests.loopback.worker_process import WORKER, WorkerProcess

WARM_AT = 50
LARGEST_GROWTH = 1.05
BAD = (
    ({"text": "Hello.", "speaker_voice": "../x"}, "unknown_voice"),
    ({"text": ""}, "invalid_request"),
    ({"text": "Hello.", "crossfade_ms": "140"}, "invalid_request"),
    ({"text": "Hello.", "session_id": "a/b"}, "invalid_request"),
)
TEXTS = (
    "A short one.",
    "A sentence of middle length, as most of them are in a day of work.",
    "Two sentences are in this one. Here is the second of them, which follows the first.",
)


def main() -> None:
    """Run the soak with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    jobs = parser.parse_args().jobs
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(soak(Path(folder), jobs=jobs))


def soak(folder: Path, *, jobs: int) -> int:
    """Run ``jobs`` jobs in one worker; return 1 if a job was lost or memory grew, else 0."""
    queue = JobQueue()
    worker = WorkerProcess(
        *WORKER,
        environment=queue.worker_environment()
        | {"OBJECT_STORE": "filesystem", "TTS_ENGINE": "preview"}
        | {"OUTPUT_AUDIO_DIR": str(folder / "out"), "AUDIO_VOICES_DIR": str(folder / "voices")}
        | {"CHECKPOINTS_DIR": str(folder / "checkpoints")},
        log=folder / "log",
    )
    began = time.monotonic()
    wrong = 0
    memory: dict[int, float] = {}
    try:
        for number in range(1, jobs + 1):
            wrong += not _run(queue, number)
            if number % WARM_AT == 0:
                memory[number] = psutil.Process(worker.pid).memory_info().rss / 2**20
                print(f"job {number}: {memory[number]:.1f} MiB, {wrong} wrong", flush=True)
    finally:
        status = worker.stop()
        queue.close()
    ratio = memory[max(memory)] / memory[WARM_AT]
    print(f"{jobs} jobs in {time.monotonic() - began:.0f} s, {wrong} lost or wrong")
    print(f"memory at job {max(memory)} / job {WARM_AT}: {ratio:.3f}; exit status {status}")
    return int(wrong > 0 or status != 0 or ratio > LARGEST_GROWTH)


def _run(queue: JobQueue, number: int) -> bool:
    """Run job ``number``; return whether it ended as expected."""
    if number % 5 == 0:
        job_input, code = BAD[number // 5 % len(BAD)]
        return str(queue.run(job_input).error).startswith(code)
    is_stream = number % 5 == 1
    job = queue.run({"text": TEXTS[number % len(TEXTS)], "stream": is_stream, "seed": number})
    return job.status == "COMPLETED" and (_is_complete(job) if is_stream else len(job.output) == 1)


def _is_complete(job: Job) -> bool:
    *pieces, end = job.pieces
    numbers = [piece["chunk"] for piece in pieces]
    return numbers == list(range(1, end["total_chunks"] + 1))


if __name__ == "__main__":
    main()
