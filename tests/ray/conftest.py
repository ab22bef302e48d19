"""Two replicas of deploy/ray.yaml on the processor of this machine, in a process of their own."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

from tests.deployment.waiting import wait_until
from tests.loopback.free_ports import free_ports
from tests.loopback.worker_process import ROOT

REPLICA = "ray::ServeReplica"
WITHIN_SECONDS = 180
"""Ray starts a dozen processes, which takes 20 s on two free cores and minutes on busy ones."""


class Cluster:
    """A running ``serve run``; ``client`` sends to it."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, client: httpx.Client) -> None:
        self._process = process
        self._log = log
        self.client = client

    def printed(self) -> str:
        """Return all output so far."""
        return self._log.read_text(errors="replace")

    def replicas(self) -> set[int]:
        """Return the process ids of the replicas that are there."""
        return {each.pid for each in self.processes() if REPLICA in " ".join(_words(each))}

    def processes(self) -> list[psutil.Process]:
        """Return every process that Ray runs."""
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def replica_of(self, response: httpx.Response) -> int:
        """Return the process id of the replica that answered, which its log tells."""
        request_id = response.headers["x-request-id"]

        def line() -> str:
            lines = self.printed().splitlines()
            return next((each for each in lines if request_id in each and "pid=" in each), "")

        self.wait_until(lambda: line() != "")
        return int(line().partition("pid=")[2].partition(")")[0])

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait for what Ray does on its own."""
        wait_until(holds, lambda: self._process.poll() is None, seconds=WITHIN_SECONDS)

    def is_ready(self) -> bool:
        """Return whether each of both replicas has loaded its model."""
        return self.printed().count('"event": "load"') >= 2 and _answers(self.client)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with (
        # Short, because the paths of Ray's sockets are below it.
        tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as name,
        free_ports(1) as [port],
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        folder = Path(name)
        config, log = folder / "ray.yaml", folder / "log"
        config.write_text(yaml.safe_dump(_small(port)))
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [Path(sys.executable).with_name("serve"), "run", config],
                cwd=ROOT,
                env=_environment(folder),
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        running = Cluster(process, log, client)
        try:
            running.wait_until(running.is_ready)
            yield running
            _end_cleanly(process, running.processes())
        finally:
            _kill(running.processes())
            process.kill()
            process.wait()


def _small(port: int) -> dict[str, Any]:
    """Return deploy/ray.yaml with what two replicas on two cores need in its place."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "ray.yaml").read_text())
    config["http_options"] = {"host": "127.0.0.1", "port": port}
    [application] = config["applications"]
    application["runtime_env"]["env_vars"] |= {
        "TTS_ENGINE": "preview",
        "MAX_QUEUED_REQUESTS": "0",
        "MAX_TEXT_CHARS": "100000",
        "JOB_TIMEOUT_SECONDS": "8",
    }
    [deployment] = application["deployments"]
    del deployment["autoscaling_config"]
    deployment |= {"num_replicas": 2, "ray_actor_options": {"num_cpus": 0.5}}
    return config


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "RAY_TMPDIR": str(folder),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_DEDUP_LOGS": "0",
    }


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/ping").status_code == 200
    except httpx.TransportError:
        return False


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def _end_cleanly(process: "subprocess.Popen[bytes]", started: list[psutil.Process]) -> None:
    """Stop Ray as a person does; nothing that it started may be left."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
        _, left = psutil.wait_procs(started, timeout=30)
        assert [_words(each) for each in left] == []
    finally:
        _kill(started)


def _kill(processes: list[psutil.Process]) -> None:
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.kill()
