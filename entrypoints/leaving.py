"""The end of a process in which another thread may never end."""

import multiprocessing
import os
import sys
import threading


def leave_threads_behind(status: int = 0) -> None:
    """End the process now if another thread is still at work.

    That thread may never end. The interpreter would wait for one of a library's pool, and torch
    aborts the process if it is torn down during a computation.
    """
    if threading.active_count() > 1:
        leave(status)


def leave(status: int) -> None:
    """End the process now, and the processes that it started."""
    for child in multiprocessing.active_children():
        child.terminate()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
