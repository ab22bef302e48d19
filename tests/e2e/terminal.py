"""A command whose standard error is a terminal."""

import os
import pty
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.loopback.worker_process import ROOT


@dataclass(frozen=True, slots=True)
class OnTerminal:
    """The end of a command: its status, its standard output, and all that the terminal got."""

    returncode: int
    stdout: bytes
    shown: str


def run_on_terminal(command: Sequence[str | Path], environment: dict[str, str]) -> OnTerminal:
    """Run ``command`` to its end; the output on standard output fits into a pipe's buffer."""
    terminal, its_end = pty.openpty()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=its_end
    ) as process:
        os.close(its_end)
        shown = b""
        try:
            while block := os.read(terminal, 65_536):
                shown += block
        except OSError:  # Linux reports the end of a terminal as an error
            pass
        os.close(terminal)
        stdout, _ = process.communicate()
    return OnTerminal(process.returncode, stdout, shown.decode())
