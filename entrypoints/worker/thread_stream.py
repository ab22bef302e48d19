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
"""Gets an event that is set once nobody wants the rest."""


async def thread_stream(produce: Produce[ItemT], *, ahead: int) -> AsyncGenerator[ItemT, None]:
    """Run ``produce`` in a thread, at most ``ahead`` items and one in hand before its reader.

    Nobody wants the rest when the reader was closed, or when its task is over. The thread is a
    daemon: work that never comes back does not keep the process alive.

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
                stream.make_room()
                yield message.value
            if message.error:
                raise message.error
        finally:
            message = _End(None)  # an error that knows this frame, known by it, outlives the job


async def in_thread(ask: Callable[[], ItemT]) -> ItemT:
    """Return what ``ask`` returns, asked in a thread that does not keep the process alive.

    ``asyncio.to_thread`` has a bounded number of threads, and a loop waits for all of them when it
    ends: one question that is never answered holds up the others, and the end of the process.

    Raises:
        Whatever ``ask`` raises.
    """

    def produce(_: threading.Event) -> Generator[ItemT, None, None]:
        yield ask()

    async with aclosing(thread_stream(produce, ahead=1)) as answers:
        return await anext(answers)


@contextmanager
def until_task_ends(stop: Callable[[], None]) -> Generator[None, None, None]:
    """Call ``stop`` when the block is left, or when the current task is over before that.

    An asynchronous generator whose task is cancelled while it waits elsewhere is closed by the
    garbage collector only, and its blocks are left as late as that. ``stop`` may be called twice.
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
    """What the thread and the event loop share; ``arrived`` belongs to the loop."""

    def __init__(
        self, produce: Produce[ItemT], loop: asyncio.AbstractEventLoop, *, ahead: int
    ) -> None:
        self.arrived: asyncio.Queue[_Item[ItemT] | _End] = asyncio.Queue()
        self._produce = produce
        self._loop = loop
        self._room = threading.Semaphore(ahead)
        self._unwanted = threading.Event()

    def stop(self) -> None:
        self._unwanted.set()
        self.make_room()

    def make_room(self) -> None:
        self._room.release()

    def work(self) -> None:
        try:
            self._send_all()
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is read
            self._send(_End(error))
        else:
            self._send(_End(None))

    def _send_all(self) -> None:
        with closing(self._produce(self._unwanted)) as items:
            for item in items:
                self._room.acquire()
                if self._unwanted.is_set():
                    return
                self._send(_Item(item))

    def _send(self, message: _Item[ItemT] | _End) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody reads
            self._loop.call_soon_threadsafe(self.arrived.put_nowait, message)
