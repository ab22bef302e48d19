"""Blocking work in a thread of its own, read from an event loop."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")

Produce = Callable[[threading.Event], Generator[ItemT, None, None]]
"""A function that makes the items; its event is set once the rest is not read any more."""


async def thread_stream(produce: Produce[ItemT], *, ahead: int) -> AsyncGenerator[ItemT, None]:
    """Run ``produce`` in a thread, at most ``ahead`` + 1 items before its reader.

    The rest is cancelled when the reader is closed, and when its task ends. The thread is a daemon:
    work that never ends does not keep the process alive.

    Raises:
        Whatever ``produce`` raises.
    """
    stream = _ThreadStream(produce, asyncio.get_running_loop(), ahead=ahead)
    context = contextvars.copy_context()
    message: _Item[ItemT] | _End = _End(None)
    with until_task_ends(stream.stop):
        threading.Thread(
            target=context.run, args=(stream.work,), name="speech", daemon=True
        ).start()
        try:
            while isinstance(message := await stream.arrived.get(), _Item):
                stream.allow_one_more()
                yield message.value
            if message.error:
                raise message.error
        finally:
            message = _End(
                None
            )  # breaks the cycle of error, traceback and frame, which would keep the job's memory


async def in_thread(question: Callable[[], ItemT]) -> ItemT:
    """Return the result of ``question``, called in a thread that does not keep the process alive.

    ``asyncio.to_thread`` has a bounded number of threads, and a loop waits for all of them when it
    ends: one call that never returns would delay the others, and the end of the process.

    Raises:
        Whatever ``question`` raises.
    """

    def produce(_: threading.Event) -> Generator[ItemT, None, None]:
        yield question()

    async with aclosing(thread_stream(produce, ahead=1)) as answers:
        return await anext(answers)


@contextmanager
def until_task_ends(stop: Callable[[], None]) -> Generator[None, None, None]:
    """Call ``stop`` when the block ends, or when the current task ends before that.

    An asynchronous generator whose task is cancelled while it waits elsewhere is closed by the
    garbage collector only, and its blocks end no earlier. ``stop`` may be called twice.
    """
    task = asyncio.current_task()

    def stop_with_task(_: object) -> None:
        stop()

    if task:
        task.add_done_callback(stop_with_task)
    try:
        yield
    finally:
        if task:
            task.remove_done_callback(stop_with_task)
        stop()


@dataclass(frozen=True, slots=True)
class _Item(Generic[ItemT]):
    value: ItemT


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


class _ThreadStream(Generic[ItemT]):
    """State that the thread and the event loop share; only the loop uses ``arrived``."""

    def __init__(
        self, produce: Produce[ItemT], loop: asyncio.AbstractEventLoop, *, ahead: int
    ) -> None:
        self.arrived: asyncio.Queue[_Item[ItemT] | _End] = asyncio.Queue()
        self._produce = produce
        self._loop = loop
        self._allowance = threading.Semaphore(ahead)
        self._cancelled = threading.Event()

    def stop(self) -> None:
        self._cancelled.set()
        self.allow_one_more()

    def allow_one_more(self) -> None:
        self._allowance.release()

    def work(self) -> None:
        try:
            self._send_all()
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is read
            self._send(_End(error))
        else:
            self._send(_End(None))

    def _send_all(self) -> None:
        with closing(self._produce(self._cancelled)) as items:
            for item in items:
                self._allowance.acquire()
                if self._cancelled.is_set():
                    return
                self._send(_Item(item))

    def _send(self, message: _Item[ItemT] | _End) -> None:
        with suppress(RuntimeError):  # the loop is closed, so there is no reader
            self._loop.call_soon_threadsafe(self.arrived.put_nowait, message)
