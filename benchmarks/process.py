"""Measurements in processes of their own, so that peaks of memory do not mix."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

T = TypeVar("T")


def in_a_new_process(work: Callable[..., T], *arguments: object) -> T:
    """Return the result of ``work``; both it and ``arguments`` must be picklable.

    Call it before this process loads anything large: a child starts with its parent's peak.
    """
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_run, args=(sender, work, *arguments))
    process.start()
    sender.close()
    answer: T = receiver.recv()
    process.join()
    return answer


def _run(sender: Connection, work: Callable[..., object], *arguments: object) -> None:
    sender.send(work(*arguments))
