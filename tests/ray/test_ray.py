"""Ray Serve around the HTTP server: two replicas, each of which lets nobody wait."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import psutil

from tests.ray.conftest import Cluster

SHORT = "The river is wide and slow here today. "
LONG = SHORT * 1_000
"""Many times longer to speak than all tests take."""


@contextmanager
def speech(cluster: Cluster, text: str) -> Iterator[httpx.Response]:
    """Send a request; yield the response once its head has come."""
    body = {"input": text, "voice": "default", "seed": 7, "response_format": "pcm"}
    with cluster.client.stream("POST", "/v1/audio/speech", json=body) as response:
        yield response


@contextmanager
def both_busy(cluster: Cluster, text: str) -> Iterator[list[httpx.Response]]:
    """Have each replica speak ``text``; yield the responses."""
    with ExitStack() as opened:
        busy: list[httpx.Response] = []

        def is_taken() -> bool:
            response = opened.enter_context(speech(cluster, text))
            if response.status_code == 200:
                busy.append(response)
            return len(busy) == 2

        cluster.wait_until(is_taken)  # a replica may be busy with a client that went away
        yield busy


def test_speech_is_sent_while_it_is_spoken_and_a_full_queue_refuses_at_once(
    cluster: Cluster,
) -> None:
    with both_busy(cluster, LONG) as responses:
        streams = [response.iter_raw() for response in responses]
        pieces = [next(stream) for stream in streams]
        with speech(cluster, SHORT) as refused:
            refused.read()
        ping = cluster.client.get("/ping")

    assert all(pieces)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "queue_full")
    assert int(refused.headers["Retry-After"]) > 0
    assert ping.status_code == 200


def test_the_same_seed_gives_the_same_bytes_from_each_replica(cluster: Cluster) -> None:
    with both_busy(cluster, SHORT * 40) as responses:
        first, second = [response.read() for response in responses]
    replicas = {cluster.replica_of(response) for response in responses}

    assert len(replicas) == 2
    assert len(first) > 0
    assert first == second


def test_a_killed_replica_breaks_its_own_speech_alone_and_is_replaced(cluster: Cluster) -> None:
    before = cluster.replicas()
    killed, *_ = before

    with both_busy(cluster, SHORT * 60) as responses:
        psutil.Process(killed).send_signal(signal.SIGKILL)
        ends = [is_whole(response) for response in responses]
    with speech(cluster, SHORT) as after:
        heard = after.read()
    cluster.wait_until(lambda: len(cluster.replicas() - {killed}) == 2)

    assert sorted(ends) == [False, True]
    assert (after.status_code, len(heard) > 0) == (200, True)


def test_speech_that_fails_is_broken_off_and_its_replica_replaced(cluster: Cluster) -> None:
    cluster.wait_until(lambda: len(cluster.replicas()) == 2)
    before = cluster.replicas()

    with speech(cluster, LONG) as response:
        status, ended = response.status_code, is_whole(response)
    failed = cluster.replica_of(response)
    cluster.wait_until(lambda: failed not in cluster.replicas() and len(cluster.replicas()) == 2)

    assert failed in before
    assert (status, ended) == (200, False)


def is_whole(response: httpx.Response) -> bool:
    """Read to the end; return whether it was one."""
    try:
        response.read()
    except httpx.RemoteProtocolError:
        return False
    return True
