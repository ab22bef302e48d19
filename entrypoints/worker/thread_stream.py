"""Blocking work in a thread of its own, read from an event loop."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")

Produce = Callable[[threading.Event], Generator[ItemT, None, None]]
"""Gets an event that is set once nobody wants the rest."""


async def thread_stream(produce: Produce[ItemT], *, ahead: int) -> AsyncGenerator[ItemT, None]:
    """Run ``produce`` in a thread, at most ``ahead`` items and one in hand before its reader.

    Nobody wants the rest when the reader was closed, or when its task is over. The task counts
    too, because a reader whose task is cancelled while it waits elsewhere is closed by the garbage
    collector only. The thread is a daemon: work that never comes back does not keep the process
    alive.

    Raises:
        Whatever ``produce`` raises.
    """
    stream = _ThreadStream(produce, asyncio.get_running_loop(), ahead=ahead)
    task = asyncio.current_task()
    if task:
        task.add_done_callback(stream.stop)
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(stream.work,), name="speech", daemon=True).start()
    message: _Item[ItemT] | _End = _End(None)
    try:
        while isinstance(message := await stream.arrived.get(), _Item):
            stream.make_room()
            yield message.value
        if message.error:
            raise message.error
    finally:
        stream.stop()
        message = _End(None)  # an error that knows this frame, known by it, would outlive the job


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

    def stop(self, _: object = None) -> None:
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
