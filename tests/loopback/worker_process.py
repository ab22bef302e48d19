"""A worker in a process of its own, started as RunPod starts it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WORKER = ("-m", "entrypoints.runpod_worker")
SCRIPTED = ("-m", "tests.models.scripted_worker")
"""The same worker main, with a model that does what the text says."""


class WorkerProcess:
    """Runs until it is stopped; what it prints goes to one file."""

    def __init__(self, *arguments: str, environment: dict[str, str], log: Path) -> None:
        self._log = log
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "HOME", "TMPDIR", "LANG", "VIRTUAL_ENV")
        }
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=inherited | environment,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def printed(self) -> str:
        return self._log.read_text(errors="replace")

    def events(self, name: str) -> list[dict[str, Any]]:
        """Our own log lines of one event."""
        lines = [line for line in self.printed().splitlines() if line.startswith("{")]
        return [found for found in map(json.loads, lines) if found.get("event") == name]

    def ask_to_stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def wait(self, *, seconds: float = 30) -> int:
        return self._process.wait(timeout=seconds)

    def stop(self) -> int:
        """End it the way RunPod does; a worker that does not obey is killed, and that is told."""
        if self.is_alive:
            self.ask_to_stop()
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
