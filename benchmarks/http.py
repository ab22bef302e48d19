"""What the HTTP server adds to the use case, beside Starlette sending ready-made bytes.

An instant model hands out ready-made noise. The use case and its encoder speak a text in one
process, the server speaks it in another (as bytes and as events), and Starlette sends in a third
the bytes that were made before. Then fifty clients come at once: the server's memory after each
round, and the times of ``/ping`` while requests wait.

    python -m benchmarks.http [--rounds 10]
"""

import argparse
import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from benchmarks.http_servers import (
    InstantModel,
    ServerProcess,
    floor,
    in_threads,
    instant_container,
    new_gate,
    ours,
)
from benchmarks.process import in_a_new_process
from entrypoints.http.speech_body import parse_speech
from entrypoints.http.spoken_items import USUAL_RATE_HZ, output_rate_hz

SENTENCE = "A sentence that stands for two seconds of speech, and is a chunk of its own, is here. "
LONG = {"pcm": (4, 300), "mp3": (1, 60)}
"""Requests in a row, and chunks of each, that processor time is measured over."""
SHORT_REQUESTS = 40
"""Requests of one chunk, for the first byte and again for the rate."""
AT_ONCE = 4
CLIENTS = 50
PLACES = 33
"""One is spoken and 32 wait, as MAX_QUEUED_REQUESTS has it; the others are refused."""
PINGS = 200


@dataclass(frozen=True, slots=True)
class Cost:
    """What one way took: of short requests, and of long ones."""

    first_byte_seconds: float
    requests_a_second: float
    cpu_per_audio_second: float


def body(stream_format: str, chunks: int, *, sse: bool = False) -> bytes:
    """Return the body of a request to speak ``chunks`` chunks."""
    fields: dict[str, Any] = {
        "input": SENTENCE * chunks,
        "voice": "default",
        "response_format": stream_format,
        "stream_format": "sse" if sse else "audio",
        "max_chars_per_chunk": len(SENTENCE),
        "seed": 1,
    }
    return json.dumps(fields).encode()


class UseCase:
    """The use case with its encoder, called in this process."""

    def __init__(self, folder: Path) -> None:
        container = instant_container(folder, InstantModel())
        self._speak, self._encoder = container.http_speak(), container.stream_encoder()

    def pieces(self, content: bytes) -> Iterator[bytes]:
        """Yield the audio that the body ``content`` asks for."""
        order = parse_speech(content, max_text_chars=10**6)
        utterance = self._speak.utterance(order.job.to_request())
        yield from self._encoder.encode(
            utterance.samples(),
            sample_rate_hz=utterance.sample_rate_hz,
            stream_format=order.stream_format,
            bitrate_kbps=order.job.bitrate_kbps,
            output_rate_hz=output_rate_hz(order),
        )


def ready_made(content: bytes) -> list[bytes]:
    """Return the pieces of one request, for Starlette to send."""
    with tempfile.TemporaryDirectory() as folder:
        return list(UseCase(Path(folder)).pieces(content))


def direct(stream_format: str) -> Cost:
    """Measure the use case in this process."""
    with tempfile.TemporaryDirectory() as folder:
        use_case = UseCase(Path(folder))
        content = body(stream_format, 1)

        def once(_: int = 0) -> float:
            began = time.perf_counter()
            pieces = use_case.pieces(content)
            next(pieces)
            first = time.perf_counter() - began
            for _piece in pieces:
                pass
            return first

        requests, chunks = LONG[stream_format]
        return _cost(
            once,
            lambda: [None for _piece in use_case.pieces(body(stream_format, chunks))],
            cpu=time.process_time,
            requests=requests,
            seconds=audio_seconds(chunks),
            at_once=1,
        )


def over_http(server: ServerProcess, content: bytes, long: bytes, seconds: float, n: int) -> Cost:
    """Measure ``server`` from this process: with ``content``, and ``n`` times with ``long``."""
    local = threading.local()

    def once(_: int = 0) -> float:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", server.port)
        return spoken(local.connection, content)

    def speak_long() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
            spoken(connection, long)

    return _cost(
        once,
        speak_long,
        cpu=lambda: server.cpu_seconds,
        requests=n,
        seconds=seconds,
        at_once=AT_ONCE,
    )


def post(connection: http.client.HTTPConnection, content: bytes) -> tuple[int, float]:
    """Send a request and read its answer; return its status and the time to its first bytes."""
    began = time.perf_counter()
    connection.request("POST", "/v1/audio/speech", content, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read1(1)
    first = time.perf_counter() - began
    while answer.read1(2**18):
        pass
    return answer.status, first


def spoken(connection: http.client.HTTPConnection, content: bytes) -> float:
    """Send a request; return the time to its first bytes.

    Raises:
        RuntimeError: it was refused.
    """
    status, first = post(connection, content)
    if status != 200:
        raise RuntimeError(f"the server answered {status}")
    return first


def audio_seconds(chunks: int) -> float:
    """Return the length of ``chunks`` chunks, with the pauses between them."""
    return sum(map(len, ready_made(body("pcm", chunks)))) / 2 / USUAL_RATE_HZ


def _cost(
    once: Callable[[int], float],
    speak_long: Callable[[], object],
    *,
    cpu: Callable[[], float],
    requests: int,
    seconds: float,
    at_once: int,
) -> Cost:
    for _ in range(3):
        once(0)
    firsts = [once(0) for _ in range(SHORT_REQUESTS)]
    began = time.perf_counter()

    def several(_: int) -> None:
        for each in range(SHORT_REQUESTS // at_once):
            once(each)

    for thread in in_threads(several, at_once):
        thread.join()
    rate = SHORT_REQUESTS / (time.perf_counter() - began)
    before = cpu()
    for _ in range(requests):
        speak_long()
    spent = cpu() - before
    return Cost(statistics.median(firsts), rate, spent / requests / seconds)


def measured(stream_format: str) -> dict[str, Cost]:
    """Measure the four ways for one format."""
    requests, chunks = LONG[stream_format]
    seconds = in_a_new_process(audio_seconds, chunks)
    short, long = body(stream_format, 1), body(stream_format, chunks)
    costs = {"use case": in_a_new_process(direct, stream_format)}
    with ours(new_gate()) as server:
        costs["server, bytes"] = over_http(server, short, long, seconds, requests)
        sse = (body(stream_format, 1, sse=True), body(stream_format, chunks, sse=True))
        costs["server, SSE"] = over_http(server, *sse, seconds, requests)
    of_short, of_long = (in_a_new_process(ready_made, each) for each in (short, long))
    with floor(of_short) as server:
        quick = over_http(server, short, short, seconds, 1)
    with floor(of_long) as server:
        lengthy = over_http(server, long, long, seconds, requests * 5)
    costs["Starlette, ready-made bytes"] = Cost(
        quick.first_byte_seconds, quick.requests_a_second, lengthy.cpu_per_audio_second
    )
    return costs


def costs() -> Iterator[str]:
    """Yield the table of the ways, a line at a time."""
    yield (
        "| format | way | first byte, ms | requests a second | CPU ms per s of audio"
        " | times the use case's CPU |"
    )
    yield "|---|---|---:|---:|---:|---:|"
    for stream_format in LONG:
        ways = measured(stream_format)
        alone = ways["use case"].cpu_per_audio_second
        for way, cost in ways.items():
            yield (
                f"| {stream_format} | {way} | {cost.first_byte_seconds * 1000:.1f}"
                f" | {cost.requests_a_second:.0f} | {cost.cpu_per_audio_second * 1000:.2f}"
                f" | {cost.cpu_per_audio_second / alone:.2f} |"
            )


def crowd(rounds: int) -> Iterator[str]:
    """Yield what fifty clients at once do to the server's memory, and to ``/ping``."""
    yield "| round | spoken | refused | memory, MiB |"
    yield "|---:|---:|---:|---:|"
    gate = new_gate()
    waiting: list[float] = []
    speaking: list[float] = []
    with ours(gate) as server:
        seen = [server.memory_bytes]
        yield f"| before | | | {seen[0] / 2**20:.1f} |"
        for number in range(1, rounds + 1):
            statuses = _round(server, gate, waiting, speaking)
            seen.append(server.memory_bytes)
            yield (
                f"| {number} | {statuses.count(200)} | {statuses.count(429)}"
                f" | {seen[-1] / 2**20:.1f} |"
            )
    yield ""
    middle = (rounds + 1) // 2
    yield f"Memory after round {rounds} / after round {middle}: {seen[-1] / seen[middle]:.3f}."
    yield f"/ping while {PLACES} requests wait: {_distribution(waiting)}."
    yield f"/ping while they are spoken: {_distribution(speaking)}."


def _round(
    server: ServerProcess, gate: Event, waiting: list[float], speaking: list[float]
) -> list[int]:
    """Let the clients come while the gate is closed, open it, and return their statuses."""
    gate.clear()
    statuses: list[int] = []
    are_refused = threading.Event()

    def client(number: int) -> None:
        content = body(("mp3", "pcm")[number % 2], 5, sse=number % 4 > 1)
        with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
            statuses.append(post(connection, content)[0])
        if len(statuses) == CLIENTS - PLACES:
            are_refused.set()

    clients = in_threads(client, CLIENTS)
    are_refused.wait()
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        waiting += [_ping(connection) for _ in range(PINGS)]
        gate.set()
        while any(each.is_alive() for each in clients):
            speaking.append(_ping(connection))
            time.sleep(0.01)
    return statuses


def _ping(connection: http.client.HTTPConnection) -> float:
    began = time.perf_counter()
    connection.request("GET", "/ping")
    connection.getresponse().read()
    return time.perf_counter() - began


def _distribution(times: Sequence[float]) -> str:
    cuts = statistics.quantiles(times, n=100)
    return (
        f"median {cuts[49] * 1000:.1f} ms, 95 % {cuts[94] * 1000:.1f} ms,"
        f" longest {max(times) * 1000:.1f} ms, of {len(times)}"
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    for row in costs():
        print(row, flush=True)
    print()
    for row in crowd(rounds):
        print(row, flush=True)


if __name__ == "__main__":
    main()
