"""The two servers that ``benchmarks.http`` compares, each in a process of its own."""

import multiprocessing
import os
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import psutil
import uvicorn
from dependency_injector import providers
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from application.ports.speech_model import ModelInfo, ModelState, ModelStatus, SpokenPart
from domain.delivery import Delivery
from domain.voice import Recording
from entrypoints.container import Container
from entrypoints.http.server import serve_http
from entrypoints.logs import configure_logs
from entrypoints.settings.settings import ServerSettings
from tests.loopback.free_ports import free_ports

MODEL_RATE_HZ = 22_050
CHUNK_SECONDS = 2
PARTS = 4
"""Parts of a chunk: half a second each."""

LONGEST_START_SECONDS = 120
"""Longest time until a server listens, on a machine with other work."""


class InstantModel:
    """Speaks two seconds of noise for every chunk, at once or when ``gate`` opens."""

    info = ModelInfo(
        name="instant",
        device="cpu",
        uses_gpu=False,
        clones_voices=True,
        sample_rate_hz=MODEL_RATE_HZ,
    )

    def __init__(self, gate: Event | None = None) -> None:
        self._gate = gate
        draw = np.random.default_rng(1)
        noise = draw.normal(0, 0.1, CHUNK_SECONDS * MODEL_RATE_HZ).astype(np.float32)
        self._parts = np.split(noise, PARTS)

    def status(self) -> ModelStatus:
        return ModelStatus(ModelState.READY)

    def load(self) -> None:
        pass

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        if self._gate:
            self._gate.wait()
        for index in range(len(chunks)):
            for number, samples in enumerate(self._parts, 1):
                yield SpokenPart(index, samples, ends_chunk=number == PARTS)


def instant_container(folder: Path, model: InstantModel) -> Container:
    """Return the parts of the product, with ``model`` and folders in ``folder``."""
    settings = ServerSettings(
        tts_engine="preview",
        output_audio_dir=folder / "out",
        audio_voices_dir=folder / "voices",
        checkpoints_dir=folder / "checkpoints",
        max_text_chars=10**6,
    )
    container = Container(settings=settings)
    container.model.override(providers.Object(model))
    return container


def _run_ours(port: int, ready: Event, gate: Event) -> None:
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("w") as lines:
        for shown in (1, 2):
            os.dup2(lines.fileno(), shown)  # the log is written as in production, and not shown
        container = instant_container(Path(folder), InstantModel(gate))
        configure_logs(container.settings())
        serve_http(container, host="127.0.0.1", port=port, on_listening=ready.set)


def _run_floor(port: int, ready: Event, pieces: Sequence[bytes]) -> None:
    async def speech(request: Request) -> StreamingResponse:
        await request.body()

        async def body() -> AsyncGenerator[bytes, None]:
            for piece in pieces:
                yield piece

        return StreamingResponse(body(), media_type="audio/mpeg")

    class Server(uvicorn.Server):
        async def startup(self, sockets: object = None) -> None:
            await super().startup()
            ready.set()

    app = Starlette(routes=[Route("/v1/audio/speech", speech, methods=["POST"])])
    Server(
        uvicorn.Config(
            app, port=port, http="httptools", loop="asyncio", access_log=False, log_config=None
        )
    ).run()


class ServerProcess:
    """A server at a port of the loopback, and what its process uses."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self._process = psutil.Process(pid)

    @property
    def cpu_seconds(self) -> float:
        """Processor time so far."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    @property
    def memory_bytes(self) -> int:
        """Resident memory now."""
        return int(self._process.memory_info().rss)


@contextmanager
def ours(gate: Event) -> Generator[ServerProcess, None, None]:
    """Run the product's server; its model speaks while ``gate`` is set."""
    with _server(_run_ours, gate) as server:
        yield server


@contextmanager
def floor(pieces: Sequence[bytes]) -> Generator[ServerProcess, None, None]:
    """Run Starlette under the same server program; it answers each request with ``pieces``."""
    with _server(_run_floor, pieces) as server:
        yield server


@contextmanager
def _server(run: Callable[..., None], *arguments: object) -> Generator[ServerProcess, None, None]:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    with free_ports(1) as [port]:
        process = spawn.Process(target=run, args=(port, ready, *arguments))
        process.start()
        try:
            if not ready.wait(LONGEST_START_SECONDS):
                raise TimeoutError("the server does not start")
            assert process.pid  # noqa: S101 - it was started
            yield ServerProcess(port, process.pid)
        finally:
            process.terminate()
            process.join()


def new_gate() -> Event:
    """Return a gate for ``ours``, open."""
    gate = multiprocessing.get_context("spawn").Event()
    gate.set()
    return gate


def in_threads(work: Callable[[int], None], count: int) -> list[threading.Thread]:
    """Run ``work(0)`` to ``work(count - 1)`` at once, each in a thread, and return the threads."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for each in threads:
        each.start()
    return threads
