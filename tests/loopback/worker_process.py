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
"""The same worker, with a model that follows words in the text."""


class WorkerProcess:
    """A worker that runs until it is stopped; its output goes to the file ``log``."""

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
        """Return all output so far."""
        return self._log.read_text(errors="replace")

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the product's own log lines of one event."""
        lines = [line for line in self.printed().splitlines() if line.startswith("{")]
        return [found for found in map(json.loads, lines) if found.get("event") == name]

    def ask_to_stop(self) -> None:
        """Send the signal that RunPod sends, without a wait."""
        self._process.send_signal(signal.SIGTERM)

    def interrupt(self) -> None:
        """Send the signal of Ctrl-C, without a wait."""
        self._process.send_signal(signal.SIGINT)

    def wait(self, *, seconds: float = 30) -> int:
        """Wait for the end and return the exit status."""
        return self._process.wait(timeout=seconds)

    def kill(self) -> None:
        """End the process as a machine that fails does."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """End the worker as RunPod does; kill one that does not end, and raise the time-out."""
        if self.is_alive:
            self.ask_to_stop()
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise
